// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace promplug {

// Of one series.
inline constexpr uint32_t kMostNativeBuckets = 2048;

// The exponential buckets of native histograms. Schema s, -4 to 8, has 2^s buckets to a power of
// two; bucket i of it ends, inclusively, at 2^(i / 2^s). Two neighbours of one schema make one
// bucket of the next coarser schema. Here a schema is known by its level, 8 - schema: how often the
// finest buckets were put together. All functions are [hot].
constexpr int32_t kFinestSchema = 8;
constexpr int32_t kCoarsestSchema = -4;
constexpr uint32_t kCoarsestLevel = kFinestSchema - kCoarsestSchema;
constexpr int32_t SchemaOfLevel(uint32_t level) {
  return kFinestSchema - static_cast<int32_t>(level);
}

namespace native_internal {

constexpr uint32_t kFinestPerOctave = 1u << kFinestSchema;
constexpr uint32_t kMantissaBits = 52;
constexpr uint64_t kMantissaMask = (uint64_t{1} << kMantissaBits) - 1;
// A mantissa is looked up by its upper bits first; so many bounds at most lie in one such part.
constexpr uint32_t kPartBits = 8;
constexpr size_t kMaxBoundsInPart = 2;

// The mantissas of 2^(i/256), each the double next to the exact value, and what ends a search.
constexpr std::array<uint64_t, kFinestPerOctave + kMaxBoundsInPart> kBounds = [] {
  // 2^(1/2), 2^(1/4) and so on. A product of eight of them in 64 bits rounds to the right double
  // for each of the 256 (the tests compute them in another way).
  constexpr long double kRoots[] = {1.4142135623730950488016887L, 1.1892071150027210667174999L,
                                    1.0905077326652576592070106L, 1.0442737824274138403219664L,
                                    1.0218971486541166782344801L, 1.0108892860517004600204097L,
                                    1.0054299011128028213513839L, 1.0027112750502024854307455L};
  std::array<uint64_t, kFinestPerOctave + kMaxBoundsInPart> bounds{};
  for (uint32_t i = 0; i < kFinestPerOctave; ++i) {
    long double bound = 1;
    for (uint32_t bit = 0; bit < kFinestSchema; ++bit) {
      if ((i >> (kFinestSchema - 1 - bit) & 1) != 0) bound *= kRoots[bit];
    }
    bounds[i] = std::bit_cast<uint64_t>(static_cast<double>(bound)) & kMantissaMask;
  }
  for (size_t i = kFinestPerOctave; i < bounds.size(); ++i) {
    bounds[i] = std::numeric_limits<uint64_t>::max();
  }
  return bounds;
}();

// For each value of the upper bits: the number of bounds below it.
constexpr std::array<uint16_t, 1u << kPartBits> kFirstBound = [] {
  std::array<uint16_t, 1u << kPartBits> first{};
  for (size_t part = 0; part < first.size(); ++part) {
    uint16_t i = 0;
    while (kBounds[i] < static_cast<uint64_t>(part) << (kMantissaBits - kPartBits)) ++i;
    first[part] = i;
  }
  return first;
}();

}  // namespace native_internal

// The index of the value's bucket at level 0. REQUIRES: v > 0, not NaN. An infinite value has the
// bucket behind that of the largest finite one, at every level.
inline int32_t FinestIndex(double v) {
  using namespace native_internal;
  const auto bits = std::bit_cast<uint64_t>(v);
  auto exponent = static_cast<int32_t>(bits >> kMantissaBits);
  uint64_t mantissa = bits & kMantissaMask;
  constexpr int32_t kSpecialExponent = 0x7ff;
  constexpr int32_t kBias = 1023;
  if (exponent == 0) [[unlikely]] {
    const int32_t shift = std::countl_zero(mantissa) - (63 - static_cast<int32_t>(kMantissaBits));
    mantissa = mantissa << shift & kMantissaMask;
    exponent = 1 - shift;
  } else if (exponent == kSpecialExponent) [[unlikely]] {
    // The last bucket ends at 2^1024.
    return (kSpecialExponent - kBias) * static_cast<int32_t>(kFinestPerOctave) + 1;
  }
  size_t i = kFirstBound[mantissa >> (kMantissaBits - kPartBits)];
  static_assert(kMaxBoundsInPart == 2);
  i += kBounds[i] < mantissa ? 1 : 0;
  i += kBounds[i] < mantissa ? 1 : 0;
  return (exponent - kBias) * static_cast<int32_t>(kFinestPerOctave) + static_cast<int32_t>(i);
}

// The bucket, `levels` coarser, that holds the bucket of this index.
constexpr int32_t CoarserIndex(int32_t index, uint32_t levels) {
  return static_cast<int32_t>((index + (int64_t{1} << levels) - 1) >> levels);
}

// The indices that there are at the finest and at the coarsest level: those of the smallest
// subnormal number and of infinity.
constexpr int32_t kLowestFinest = -1074 * 256;
constexpr int32_t kHighestFinest = 1024 * 256 + 1;
constexpr int32_t kLowestCoarsest = CoarserIndex(kLowestFinest, kCoarsestLevel);
constexpr int32_t kHighestCoarsest = CoarserIndex(kHighestFinest, kCoarsestLevel);

// Whether some number has the bucket of this index.
constexpr bool IsIndexOfNumber(uint32_t level, int32_t index) {
  return index >= CoarserIndex(kLowestFinest, level) &&
         index <= CoarserIndex(kHighestFinest, level);
}

// Whether all buckets of these spans are such as some number has.
bool NativeSpansHoldNumbers(uint32_t level, const int32_t* offsets, const uint32_t* lengths,
                            size_t n);

// The level whose buckets are the widest that do not grow by more than `growth` (> 1) from one to
// the next; 0 where even the finest do.
uint32_t LevelOfGrowth(double growth);

}  // namespace promplug
