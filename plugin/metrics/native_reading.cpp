// SPDX-License-Identifier: MIT
#include "metrics/native_reading.hpp"

#include <algorithm>

namespace promplug {

// REQUIRES: no bucket is coarser.
void NativeReading::Side::Coarsen(uint32_t level) {
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
}

void NativeReading::Side::MakeSpans() {
  offsets.clear();
  lengths.clear();
  counts.clear();
  int32_t next = 0;  // the index behind the last span
  for (const Bucket& bucket : buckets) {
    if (lengths.empty() || bucket.index != next) {
      offsets.push_back(bucket.index - next);
      lengths.push_back(0);
    }
    ++lengths.back();
    counts.push_back(bucket.count);
    next = bucket.index + 1;
  }
}

void NativeReading::Read(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level) {
  positive_.buckets.clear();
  negative_.buckets.clear();
  total_ = histogram_.zero_count = buckets.zero_count();
  buckets.ForEach([&](bool negative, uint32_t at, int32_t index, uint64_t count) {
    (negative ? negative_ : positive_).buckets.push_back({at, index, count});
    level = std::max(level, at);
    total_ += count;
  });
  for (;; ++level) {
    positive_.Coarsen(level);
    negative_.Coarsen(level);
    const size_t n = positive_.buckets.size() + negative_.buckets.size();
    if (n <= max_buckets || level == kCoarsestLevel) break;
  }
  positive_.MakeSpans();
  negative_.MakeSpans();
  histogram_.schema = SchemaOfLevel(level);
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
