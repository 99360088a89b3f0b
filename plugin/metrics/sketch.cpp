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
    current_ends_ += slice_length_;
  }
  if (now >= current_ends_) current_ends_ = now + slice_length_;
}

void Sketch::Observe(double value, TimePoint now) {
  const int64_t bucket = BucketOf(value);
  std::lock_guard lock(mutex_);
  MoveOn(now);
  ++slices_[current_][PageOf(bucket)].counts[bucket & (kBuckets - 1)];
  ++totals_.count;
  totals_.sum += value;
}

Sketch::Totals Sketch::Read(const double* quantiles, size_t n, double* values, TimePoint now) {
  std::lock_guard lock(mutex_);
  MoveOn(now);
  Slice all;
  uint64_t count = 0;
  for (const Slice& slice : slices_) {
    for (const auto& [page, from] : slice) {
      Page& to = all[page];
      for (int32_t i = 0; i < kBuckets; ++i) {
        to.counts[i] += from.counts[i];
        count += from.counts[i];
      }
    }
  }
  for (size_t q = 0; q < n; ++q) {
    values[q] = std::numeric_limits<double>::quiet_NaN();
    if (count == 0) continue;
    const auto rank = std::max<uint64_t>(
        1, static_cast<uint64_t>(std::ceil(quantiles[q] * static_cast<double>(count))));
    uint64_t seen = 0;
    for (const auto& [page, from] : all) {
      for (int32_t i = 0; i < kBuckets && seen < rank; ++i) {
        seen += from.counts[i];
        if (seen >= rank) values[q] = ValueOf((static_cast<int64_t>(page) << kBucketBits) + i);
      }
      if (seen >= rank) break;
    }
  }
  return totals_;
}

void Sketch::Reset(TimePoint now) {
  std::lock_guard lock(mutex_);
  for (Slice& slice : slices_) slice.clear();
  current_ends_ = now + slice_length_;
  totals_ = Totals();
}

}  // namespace promplug
