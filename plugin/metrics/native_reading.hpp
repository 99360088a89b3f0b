// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "metrics/foreign_memory.hpp"
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

  // The same of the buckets of another process, where `foreign` finds what pointers point to.
  void Read(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level,
            LimitedMemory* foreign);

  // The native buckets decide about the count: a reader refuses a histogram where they do not add
  // up to it. They and the classic ones are not read at the same moment, and a removal may come
  // between an update of both. So the classic ones, counts[n_bounds + 1], are cut where they would
  // pass the count, and what they have less is above the last bound. None of them falls from one
  // reading to the next.
  void CutClassic(uint64_t* counts, size_t n_bounds) const;

  // Valid until the next reading. Its zero threshold is left to the caller.
  NativeHistogram& histogram() { return spans_.histogram(); }
  // The sum of all counts.
  uint64_t total() const { return total_; }

 private:
  // each(use) calls use() for each part of a bucket.
  template <typename Each>
  void ReadParts(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level,
                 const Each& each);

  NativeSum sum_;
  NativeSpans spans_;
  uint64_t total_ = 0;
};

}  // namespace promplug
