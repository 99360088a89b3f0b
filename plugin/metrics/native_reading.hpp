// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "metrics/native_buckets.hpp"
#include "metrics/native_sum.hpp"
#include "metrics/point.hpp"

namespace promplug {

// One series' native buckets as a point shows them. Keeps its memory from one reading to the next.
// Not thread-safe; what is read may change meanwhile.
class NativeReading {
 public:
  // All parts at one level: `level`, or the first coarser one at which no part is coarser and there
  // are at most `max_buckets` (the coarsest, where no level has so few). Throws std::bad_alloc.
  void Read(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level);

  // Valid until the next reading. Its zero threshold is left to the caller.
  NativeHistogram& histogram() { return spans_.histogram(); }
  // The sum of all counts.
  uint64_t total() const { return total_; }

 private:
  NativeSum sum_;
  NativeSpans spans_;
  uint64_t total_ = 0;
};

}  // namespace promplug
