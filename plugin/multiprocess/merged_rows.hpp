// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <new>
#include <type_traits>
#include <vector>

#include "multiprocess/merged_series.hpp"
#include "multiprocess/part_arena.hpp"

namespace promplug {

// The rows of a family by number. They never move: a vector that grows would copy them, and touch
// twice the pages. Each block has twice the rows of the one before.
class MergedRows {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  MergedRow& operator[](size_t i) { return *At(i); }
  const MergedRow& operator[](size_t i) const { return *At(i); }

  // A new one behind the others.
  MergedRow& Add(PartArena* arena) {
    static_assert(std::is_trivially_destructible_v<MergedRow>);
    if (BlockOf(size_) == blocks_.size()) {
      const size_t bytes = (kFirstRows << blocks_.size()) * sizeof(MergedRow);
      blocks_.push_back(reinterpret_cast<MergedRow*>(arena->AlignedBytes(bytes)));
    }
    return *new (At(size_++)) MergedRow();
  }

 private:
  static constexpr size_t kFirstRows = 4;

  static size_t BlockOf(size_t i) {
    return static_cast<size_t>(std::bit_width(i / kFirstRows + 1)) - 1;
  }
  MergedRow* At(size_t i) const {
    const size_t block = BlockOf(i);
    return blocks_[block] + (i + kFirstRows - (kFirstRows << block));
  }

  std::vector<MergedRow*> blocks_;
  size_t size_ = 0;
};

}  // namespace promplug
