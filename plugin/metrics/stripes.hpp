// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "metrics/metric_memory.hpp"

namespace promplug {

using Word = std::atomic<uint64_t>;

// Further cells of one series, one for each CPU (a power of two), each on lines of its own, so that
// CPUs do not contend for one. The value of a series is the sum of its own cell and all
// stripes. There are two kinds:
//   shared     at most kMax. Every addition is atomic, so that a wrong CPU number costs speed only,
//              and CPUs beyond the last cell have one in common with others.
//   exclusive  at most kMaxExclusive. Cell k is written by threads on CPU k alone, by
//              CpuSection and without a locked instruction; all else goes to the series' own
//              cell. As nothing else ever writes them they are not zeroed: a series that goes
//              leaves them behind, to DetachedStripes.
//
// An update finds its cell by one word, the route: the address of the stripes, and kExclusive. The
// bits below that are the user's. Behind the head stand the addresses of the cells, then the cells.
class Stripes {
 public:
  static constexpr uint32_t kMax = 16;
  static constexpr uint32_t kMaxExclusive = 128;
  static constexpr uintptr_t kExclusive = 8;

  // All zero. nullptr when memory is short. Freed by Free(), with the same memory.
  static Stripes* Make(size_t words_per_cell, uint32_t cpus, bool exclusive, MetricMemory& memory);
  static void Free(Stripes* stripes, MetricMemory& memory);

  uintptr_t route() const {
    return reinterpret_cast<uintptr_t>(this) | (exclusive_ ? kExclusive : 0);
  }
  // nullptr for a route without stripes.
  static Stripes* Of(uintptr_t route) { return reinterpret_cast<Stripes*>(route & ~kLowBits); }
  static bool IsExclusive(uintptr_t route) { return (route & kExclusive) != 0; }
  // Whether it leads to exclusive stripes, and none of the user's bits is set. [hot]
  static bool IsOpenExclusive(uintptr_t route) { return (route & kLowBits) == kExclusive; }
  // REQUIRES: Of(route) is not nullptr, and the stripes are shared. [hot]
  static Word* CellFor(uintptr_t route, uint32_t cpu_slot) {
    const Stripes* stripes = Of(route);
    return stripes->cells()[cpu_slot & (stripes->count_ - 1)];
  }

  // Where in a stripe of a histogram the sum and the count of a bucket are: side by side, so that
  // one store writes both.
  static constexpr size_t SumOf(size_t bucket) { return 2 * bucket; }
  static constexpr size_t CountOf(size_t bucket) { return 2 * bucket + 1; }
  // Adds what a stripe of a histogram with so many buckets counted to `counts`; returns its sum.
  static double AddBuckets(const Word* stripe, size_t buckets, uint64_t* counts) {
    double sum = 0;
    for (size_t i = 0; i < buckets; ++i) {
      sum += std::bit_cast<double>(stripe[SumOf(i)].load(std::memory_order_relaxed));
      counts[i] += stripe[CountOf(i)].load(std::memory_order_relaxed);
    }
    return sum;
  }

  uint32_t count() const { return count_; }
  Word* Cell(uint32_t index) const { return cells()[index]; }

  // Where the cells are, counted from the head, for readers to whom the addresses mean nothing.
  struct Layout {
    uint64_t first = 0;
    uint64_t stride = 0;
    uint32_t count = 0;
    uint64_t OffsetOf(uint32_t index) const { return first + stride * index; }
  };
  // Of stripes that may be given back and used again meanwhile: nothing is sure of the result but
  // that a count is not above kMaxExclusive and that no offset is above 2^48.
  static Layout LayoutOf(const Stripes& foreign);

 private:
  friend class CpuSection;
  friend class DetachedStripes;

  // Two lines: the hardware fetches pairs.
  static constexpr uintptr_t kLineBytes = 128;
  static constexpr uintptr_t kLowBits = kLineBytes - 1;

  Stripes(uint32_t count, size_t first, size_t stride, bool exclusive);

  Word** cells() const {
    return reinterpret_cast<Word**>(reinterpret_cast<uintptr_t>(this) + sizeof(Stripes));
  }

  const uint32_t count_;
  const bool exclusive_;
  const uint64_t first_;
  const uint64_t stride_;
  Stripes* next_ = nullptr;  // of DetachedStripes
};

}  // namespace promplug
