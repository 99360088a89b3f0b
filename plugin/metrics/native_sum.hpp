// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

// Native buckets of several sources put together. Keeps its memory when it is cleared. Not
// thread-safe; throws std::bad_alloc.
class NativeSum {
 public:
  struct Bucket {
    uint32_t level;  // native_scale.hpp
    int32_t index;
    uint64_t count;
  };

  void Clear();
  void AddZero(uint64_t count) { zero_count_ += count; }
  // In any order and at any level; cheapest in the order of the indices, for buckets that a settled
  // sum has.
  void Add(bool negative, uint32_t level, int32_t index, uint64_t count);
  // All parts at one level: `level`, or the first coarser one at which no part is coarser and there
  // are at most `max_buckets` (the coarsest, where no level has so few).
  void Settle(uint32_t max_buckets, uint32_t level);
  // What lies within the threshold as a whole becomes part of the zero bucket; the rest stays.
  // REQUIRES: settled.
  void MoveToZero(double zero_threshold);

  // REQUIRES: settled. Ascending, none twice.
  const std::vector<Bucket>& positive() const { return positive_.buckets; }
  const std::vector<Bucket>& negative() const { return negative_.buckets; }
  uint32_t level() const { return level_; }
  uint64_t zero_count() const { return zero_count_; }
  // The sum of all counts.
  uint64_t total() const;

 private:
  struct Side {
    std::vector<Bucket> buckets;
    // So many are at the level of the sum, ascending; behind them stands what was added since.
    size_t settled = 0;
    size_t next = 0;  // where the next index may be among them

    void Add(uint32_t level, int32_t index, uint64_t count);
    void Coarsen(uint32_t level);
    uint64_t TakeUpTo(int32_t finest_index);
  };

  Side positive_;
  Side negative_;
  uint64_t zero_count_ = 0;
  uint32_t level_ = 0;
};

// The same in the form that points have. Keeps its memory from one to the next.
class NativeSpans {
 public:
  // REQUIRES: settled. The sum is not needed afterwards.
  void Make(const NativeSum& sum);
  // Valid until the next Make(). The zero threshold is left to the caller.
  NativeHistogram& histogram() { return histogram_; }

 private:
  struct Side {
    std::vector<int32_t> offsets;
    std::vector<uint32_t> lengths;
    std::vector<uint64_t> counts;

    void Make(const std::vector<NativeSum::Bucket>& buckets);
  };

  Side positive_;
  Side negative_;
  NativeHistogram histogram_;
};

}  // namespace promplug
