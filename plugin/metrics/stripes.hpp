// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "metrics/metric_memory.hpp"

namespace promplug {

using Word = std::atomic<uint64_t>;

// Copies of the cell of one series, one for each CPU (a power of two, at most kMax), each on lines
// of its own, so that CPUs do not contend for one. The value of a series is the sum of its own cell
// and all stripes; a wrong CPU number costs speed only, since every addition is atomic.
//
// An update finds its cell by one word, the route: the address of the stripes, and in the upper 16
// bits, which no address of a process has, how many they are and how far apart. The lower 7 bits
// are the user's.
class Stripes {
 public:
  static constexpr uint32_t kMax = 16;

  // All zero. nullptr when memory is short. Freed by Free(), with the same memory.
  static Stripes* Make(size_t words_per_cell, uint32_t cpus, MetricMemory& memory);
  static void Free(Stripes* stripes, MetricMemory& memory);

  uintptr_t route() const {
    return reinterpret_cast<uintptr_t>(this) | (uintptr_t{mask_} << kMaskShift) |
           (uintptr_t{stride_shift_} << kStrideShift);
  }
  // nullptr for a route without stripes.
  static Stripes* Of(uintptr_t route) {
    return reinterpret_cast<Stripes*>(route & (kAddressEnd - kLineBytes));
  }
  // REQUIRES: Of(route) is not nullptr. [hot]
  static Word* CellFor(uintptr_t route, uint32_t cpu_slot) {
    const uintptr_t index = cpu_slot & (route >> kMaskShift) & (kMax - 1);
    const uintptr_t first = (route & (kAddressEnd - kLineBytes)) + kLineBytes;
    return reinterpret_cast<Word*>(first + (index << (route >> kStrideShift)));
  }

  Word* Cell(uint32_t index) { return CellFor(route(), index); }
  uint32_t count() const { return mask_ + 1; }

  // What a route alone says, for readers that cannot follow its address: how many cells there are,
  // and where in the block one of them stands.
  static uint32_t CountOf(uintptr_t route) {
    return static_cast<uint32_t>((route >> kMaskShift) & (kMax - 1)) + 1;
  }
  static size_t OffsetOf(uintptr_t route, uint32_t index) {
    return kLineBytes + (size_t{index} << ((route >> kStrideShift) & kStrideMask));
  }

 private:
  // Two lines: the hardware fetches pairs.
  static constexpr uintptr_t kLineBytes = 128;
  static constexpr uintptr_t kAddressEnd = uintptr_t{1} << 48;
  static constexpr int kMaskShift = 48;
  static constexpr int kStrideShift = 52;
  static constexpr uintptr_t kStrideMask = 0x3f;

  Stripes(uint32_t mask, uint32_t stride_shift) : mask_(mask), stride_shift_(stride_shift) {}

  uint32_t mask_;
  uint32_t stride_shift_;  // the distance of two cells is a power of two
};

}  // namespace promplug
