// SPDX-License-Identifier: MIT
#include "metrics/native_sum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "metrics/native_scale.hpp"

namespace promplug {

void NativeSum::Clear() {
  for (Side* side : {&positive_, &negative_}) {
    side->buckets.clear();
    side->settled = side->next = 0;
  }
  zero_count_ = 0;
  level_ = 0;
}

void NativeSum::Add(bool negative, uint32_t level, int32_t index, uint64_t count) {
  Side& side = negative ? negative_ : positive_;
  if (level < level_ && side.settled != 0) {
    index = CoarserIndex(index, level_ - level);
    level = level_;
  }
  if (level > level_) {
    // What was settled is finer than this: it must be settled again as a whole.
    positive_.settled = negative_.settled = 0;
    level_ = level;
  }
  side.Add(level, index, count);
}

void NativeSum::Side::Add(uint32_t level, int32_t index, uint64_t count) {
  if (next != 0 && buckets[next - 1].index >= index) next = 0;
  while (next < settled && buckets[next].index < index) ++next;
  if (next < settled && buckets[next].index == index) {
    buckets[next].count += count;
  } else {
    buckets.push_back({level, index, count});
  }
}

// REQUIRES: no bucket is coarser.
void NativeSum::Side::Coarsen(uint32_t level) {
  if (settled == buckets.size() && (buckets.empty() || buckets[0].level == level)) return;
  for (Bucket& bucket : buckets) {
    bucket.index = CoarserIndex(bucket.index, level - bucket.level);
    bucket.level = level;
  }
  const auto by_index = [](const Bucket& a, const Bucket& b) { return a.index < b.index; };
  // Coarser buckets are in the order of those that they were made of: there is one sort a reading.
  if (!std::is_sorted(buckets.begin(), buckets.end(), by_index)) {
    std::sort(buckets.begin(), buckets.end(), by_index);
  }
  size_t kept = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    if (kept > 0 && buckets[kept - 1].index == buckets[i].index) {
      buckets[kept - 1].count += buckets[i].count;
    } else {
      buckets[kept++] = buckets[i];
    }
  }
  buckets.resize(kept);
  settled = kept;
  next = 0;
}

void NativeSum::Settle(uint32_t max_buckets, uint32_t level) {
  for (level_ = std::max(level_, level);; ++level_) {
    positive_.Coarsen(level_);
    negative_.Coarsen(level_);
    const size_t n = positive_.buckets.size() + negative_.buckets.size();
    if (n <= max_buckets || level_ == kCoarsestLevel) break;
  }
}

// Takes out the buckets that end at or below the end of this one of the finest level.
uint64_t NativeSum::Side::TakeUpTo(int32_t finest_index) {
  const auto beyond = [&](const Bucket& bucket) {
    return int64_t{bucket.index} << bucket.level > finest_index;
  };
  const auto end = std::find_if(buckets.begin(), buckets.end(), beyond);
  const uint64_t taken =
      std::accumulate(buckets.begin(), end, uint64_t{0},
                      [](uint64_t sum, const Bucket& bucket) { return sum + bucket.count; });
  buckets.erase(buckets.begin(), end);
  settled = buckets.size();
  next = 0;
  return taken;
}

void NativeSum::MoveToZero(double zero_threshold) {
  // The last bucket that ends at the threshold or below it is the one before that of the next
  // larger number.
  const int32_t last =
      FinestIndex(std::nextafter(zero_threshold, std::numeric_limits<double>::infinity())) - 1;
  zero_count_ += positive_.TakeUpTo(last);
  zero_count_ += negative_.TakeUpTo(last);
}

uint64_t NativeSum::total() const {
  uint64_t total = zero_count_;
  for (const Side* side : {&positive_, &negative_}) {
    for (const Bucket& bucket : side->buckets) total += bucket.count;
  }
  return total;
}

void NativeSpans::Side::Make(const std::vector<NativeSum::Bucket>& buckets) {
  offsets.clear();
  lengths.clear();
  counts.clear();
  int32_t next = 0;  // the index behind the last span
  for (const NativeSum::Bucket& bucket : buckets) {
    if (lengths.empty() || bucket.index != next) {
      offsets.push_back(bucket.index - next);
      lengths.push_back(0);
    }
    ++lengths.back();
    counts.push_back(bucket.count);
    next = bucket.index + 1;
  }
}

void NativeSpans::Make(const NativeSum& sum) {
  positive_.Make(sum.positive());
  negative_.Make(sum.negative());
  histogram_.schema = SchemaOfLevel(sum.level());
  histogram_.zero_count = sum.zero_count();
  histogram_.positive_offsets = positive_.offsets.data();
  histogram_.positive_lengths = positive_.lengths.data();
  histogram_.n_positive_spans = positive_.lengths.size();
  histogram_.positive_counts = positive_.counts.data();
  histogram_.negative_offsets = negative_.offsets.data();
  histogram_.negative_lengths = negative_.lengths.data();
  histogram_.n_negative_spans = negative_.lengths.size();
  histogram_.negative_counts = negative_.counts.data();
}

}  // namespace promplug
