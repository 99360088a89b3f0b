// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace promplug {

// The logarithmic buckets of summaries: 64 to a power of two, so that any value lies within 1 % of
// the middle of its bucket.
inline constexpr int kSketchBucketBits = 6;
inline constexpr int kSketchMantissaBits = 52;
// The buckets of the infinite values.
inline constexpr int64_t kHighestSketchBucket = int64_t{0x7FF} << kSketchBucketBits;
inline constexpr int64_t kLowestSketchBucket = -1 - kHighestSketchBucket;

// The upper bits of a double are its exponent and the leading part of its mantissa, in the order of
// the magnitude: that is the bucket number. Negative values count downwards from -1.
inline int64_t SketchBucketOf(double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  const auto magnitude = static_cast<int64_t>((bits & ~(uint64_t{1} << 63)) >>
                                              (kSketchMantissaBits - kSketchBucketBits));
  return (bits >> 63) != 0 ? -1 - magnitude : magnitude;
}

// The middle of the bucket.
inline double SketchValueOf(int64_t bucket) {
  const int64_t magnitude = bucket < 0 ? -1 - bucket : bucket;
  const uint64_t low = static_cast<uint64_t>(magnitude)
                       << (kSketchMantissaBits - kSketchBucketBits);
  const uint64_t half = uint64_t{1} << (kSketchMantissaBits - kSketchBucketBits - 1);
  const bool is_zero = magnitude == 0;
  const bool is_infinite = std::isinf(std::bit_cast<double>(low));
  const double value = std::bit_cast<double>(is_zero || is_infinite ? low : low + half);
  return bucket < 0 ? -value : value;
}

}  // namespace promplug
