// SPDX-License-Identifier: MIT
#include "metrics/sketch.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace promplug {
namespace {

constexpr int kMantissaBits = 52;
constexpr int kBucketBits = 6;
constexpr int32_t kBuckets = 1 << kBucketBits;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The upper bits of a double are its exponent and the leading part of its mantissa, in the order of
// the magnitude: that is the bucket number. Negative values count downwards from -1.
int64_t BucketOf(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const auto magnitude =
      static_cast<int64_t>((bits & ~(uint64_t{1} << 63)) >> (kMantissaBits - kBucketBits));
  return (bits >> 63) != 0 ? -1 - magnitude : magnitude;
}

// The middle of the bucket.
double ValueOf(int64_t bucket) {
  const int64_t magnitude = bucket < 0 ? -1 - bucket : bucket;
  const uint64_t low = static_cast<uint64_t>(magnitude) << (kMantissaBits - kBucketBits);
  const uint64_t half = uint64_t{1} << (kMantissaBits - kBucketBits - 1);
  const bool is_zero = magnitude == 0;
  const bool is_infinite = std::isinf(std::bit_cast<double>(low));
  const double value = std::bit_cast<double>(is_zero || is_infinite ? low : low + half);
  return bucket < 0 ? -value : value;
}

int32_t PageOf(int64_t bucket) { return static_cast<int32_t>(bucket >> kBucketBits); }

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
  const int64_t bucket = BucketOf(value);
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
      if (seen >= rank) return ValueOf((static_cast<int64_t>(page) << kBucketBits) + b);
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
