// SPDX-License-Identifier: MIT
#include "metrics/sketch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/sketch_scale.hpp"

namespace promplug {
namespace {

constexpr int32_t kBuckets = 1 << kSketchBucketBits;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

int32_t PageOf(int64_t bucket) { return static_cast<int32_t>(bucket >> kSketchBucketBits); }

}  // namespace

Sketch::Sketch(Duration window, TimePoint now)
    : slice_length_(std::max<Duration>(window / kSlices, std::chrono::milliseconds(1))),
      current_ends_(now + slice_length_) {}

void Sketch::MoveOn(TimePoint now) {
  for (int i = 0; i < kSlices && now >= current_ends_; ++i) {
    current_ = (current_ + 1) % kSlices;
    slices_[current_].clear();
    slice_counts_[current_] = 0;
    current_ends_ += slice_length_;
  }
  if (now >= current_ends_) current_ends_ = now + slice_length_;
}

void Sketch::Observe(double value, TimePoint now) {
  const int64_t bucket = SketchBucketOf(value);
  std::lock_guard lock(mutex_);
  MoveOn(now);
  ++slices_[current_][PageOf(bucket)].counts[bucket & (kBuckets - 1)];
  ++slice_counts_[current_];
  ++totals_.count;
  totals_.sum += value;
}

// Walks the buckets of all slices in the order of their values until `rank` observations are seen.
double Sketch::ValueAt(uint64_t rank) const {
  Slice::const_iterator at[kSlices];
  for (int i = 0; i < kSlices; ++i) at[i] = slices_[i].begin();
  uint64_t seen = 0;
  while (true) {
    int32_t page = std::numeric_limits<int32_t>::max();
    for (int i = 0; i < kSlices; ++i) {
      if (at[i] != slices_[i].end()) page = std::min(page, at[i]->first);
    }
    if (page == std::numeric_limits<int32_t>::max()) return kNaN;
    Page sum;
    for (int i = 0; i < kSlices; ++i) {
      if (at[i] == slices_[i].end() || at[i]->first != page) continue;
      for (int32_t b = 0; b < kBuckets; ++b) sum.counts[b] += at[i]->second.counts[b];
      ++at[i];
    }
    for (int32_t b = 0; b < kBuckets; ++b) {
      seen += sum.counts[b];
      if (seen >= rank) return SketchValueOf((static_cast<int64_t>(page) << kSketchBucketBits) + b);
    }
  }
}

Sketch::Totals Sketch::Read(const double* quantiles, size_t n, double* values, TimePoint now) {
  std::lock_guard lock(mutex_);
  MoveOn(now);
  uint64_t count = 0;
  for (const uint64_t each : slice_counts_) count += each;
  for (size_t q = 0; q < n; ++q) {
    const double rank = std::ceil(quantiles[q] * static_cast<double>(count));
    values[q] = count == 0 ? kNaN : ValueAt(std::max<uint64_t>(1, static_cast<uint64_t>(rank)));
  }
  return totals_;
}

void Sketch::Reset(TimePoint now) {
  std::lock_guard lock(mutex_);
  for (Slice& slice : slices_) slice.clear();
  for (uint64_t& count : slice_counts_) count = 0;
  current_ends_ = now + slice_length_;
  totals_ = Totals();
}

}  // namespace promplug
