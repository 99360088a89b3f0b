// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace promplug {

// A set of 64-bit hashes in one block of memory. Not thread-safe.
class SeriesSet {
 public:
  // Whether `hash` was not there before.
  bool Insert(uint64_t hash);
  // Whether no reader knows the series of these rendered labels as one that was there before. With
  // `quoted` they may have names that are.
  bool InsertSeries(std::string_view labels, bool quoted);
  size_t size() const { return size_; }

 private:
  void Grow();

  std::vector<uint64_t> slots_;  // 0: free; a power of two of them
  size_t size_ = 0;
};

}  // namespace promplug
