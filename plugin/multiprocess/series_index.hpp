// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "metrics/hash.hpp"

namespace promplug {

// Finds the row of a family by rendered labels. Not thread-safe; throws std::bad_alloc. The texts
// must outlive it.
class SeriesIndex {
 public:
  static constexpr uint32_t kNone = 0xFFFFFFFFu;

  // The row of these labels as they are rendered, or kNone.
  uint32_t FindText(std::string_view labels) const;
  // The row of these labels in any order, as the readers see them (HashLabelSet()), or kNone.
  uint32_t FindSet(uint64_t hash) const;
  // Of several of one kind the first is found.
  void AddText(std::string_view labels, uint32_t row);
  void AddSet(uint64_t hash, uint32_t row);

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t row = kNone;  // kNone: free
    uint32_t bytes = 0;
    const char* text = nullptr;
  };
  // Open addressing, at most three quarters full.
  struct Table {
    std::vector<Slot> slots;
    size_t used = 0;

    // The slot for which same(slot) holds, or the free one behind those of its hash.
    template <typename Same>
    size_t Find(uint64_t hash, const Same& same) const {
      const size_t mask = slots.size() - 1;
      size_t i = hash & mask;
      while (slots[i].row != kNone && !(slots[i].hash == hash && same(slots[i]))) {
        i = (i + 1) & mask;
      }
      return i;
    }
    void Add(const Slot& slot);
  };

  static uint64_t HashOf(std::string_view labels) { return HashBytes(labels, 0); }

  Table texts_;
  Table sets_;
};

}  // namespace promplug
