// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "metrics/read_sections.hpp"
#include "metrics/series.hpp"

namespace promplug {

// Finds a series by the hash of its label values: open addressing, one word a slot, whose upper
// bits repeat a part of the hash so that other series are rarely looked at. Look-ups take no lock,
// inside a read section; one writer at a time.
class SeriesTable {
 public:
  // `sections` must outlive the table.
  explicit SeriesTable(ReadSections* sections) : sections_(sections) {}
  ~SeriesTable();
  SeriesTable(const SeriesTable&) = delete;
  SeriesTable& operator=(const SeriesTable&) = delete;

  // The series of that hash for which same(series) holds, or nullptr. [hot] in a read section.
  template <typename Same>
  [[gnu::always_inline]] Series* Find(uint64_t hash, const Same& same) const {
    const Slots* slots = slots_.load(std::memory_order_acquire);
    if (slots == nullptr) return nullptr;
    const uint64_t wanted = hash | kTaken;
    for (size_t i = hash & slots->mask;; i = (i + 1) & slots->mask) {
      const uintptr_t slot = slots->at(i).load(std::memory_order_acquire);
      if ((slot ^ wanted) >> kTagShift == 0) [[likely]] {
        Series* series = PointerOf(slot);
        if (same(*series)) return series;
      } else if (slot == kEmpty) {
        return nullptr;
      }
    }
  }

  // REQUIRES: not in the table. Throws std::bad_alloc, nothing being changed then.
  void Insert(uint64_t hash, Series* series);
  // Full hash from the series' own 32 bits and its slot is not kept: the caller gives it again.
  void Erase(uint64_t hash, Series* series);

 private:
  static constexpr uintptr_t kEmpty = 0;
  static constexpr uintptr_t kTombstone = 1;
  static constexpr int kTagShift = 48;
  static constexpr uintptr_t kTagMask = uintptr_t{0xFFFF} << kTagShift;
  // In every tag, so that it is none of the two above.
  static constexpr uintptr_t kTaken = uintptr_t{1} << kTagShift;

  // Followed by mask + 1 slots.
  struct Slots {
    size_t mask;
    const std::atomic<uintptr_t>& at(size_t i) const {
      return reinterpret_cast<const std::atomic<uintptr_t>*>(this + 1)[i];
    }
    std::atomic<uintptr_t>& at(size_t i) {
      return reinterpret_cast<std::atomic<uintptr_t>*>(this + 1)[i];
    }
  };

  static uintptr_t TagOf(uint64_t hash) { return (hash & kTagMask) | kTaken; }
  static Series* PointerOf(uintptr_t slot) { return reinterpret_cast<Series*>(slot & ~kTagMask); }
  static Slots* NewSlots(size_t count);
  static void Put(Slots* slots, uint64_t hash, uintptr_t slot);
  void Grow();

  ReadSections* sections_;
  std::atomic<Slots*> slots_{nullptr};
  size_t live_ = 0;
  size_t tombstones_ = 0;
};

}  // namespace promplug
