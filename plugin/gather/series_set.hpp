// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace promplug {

// A set of 64-bit hashes in one block of memory. Not thread-safe.
class SeriesSet {
 public:
  // Whether `hash` was not there before.
  bool Insert(uint64_t hash);
  size_t size() const { return size_; }

 private:
  void Grow();

  std::vector<uint64_t> slots_;  // 0: free; a power of two of them
  size_t size_ = 0;
};

}  // namespace promplug
