// SPDX-License-Identifier: MIT
#include "exposition/shortest_decimal.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace promplug {
namespace {

__extension__ using Uint128 = unsigned __int128;

constexpr int kFractionBits = 52;
constexpr uint64_t kHiddenBit = uint64_t{1} << kFractionBits;
constexpr int kExponentBias = 1023 + kFractionBits;

// A double here is c * 2^q with 2^52 <= c < 2^53. The scaling by 10^-k that follows from q is by
// a power that 128 bits hold exactly.
constexpr int kMinQ = -66;

// floor(q * log10(2)), and floor(q * log10(2) + log10(3/4)): exact for all q above.
constexpr int FloorLog10Pow2(int q) { return (q * 1262611) >> 22; }
constexpr int FloorLog10ThreeQuartersPow2(int q) { return (q * 1262611 - 524031) >> 22; }
// floor(k * log2(10))
constexpr int FloorLog2Pow10(int k) { return (k * 1741647) >> 19; }

// 10^i, shifted so that its highest bit is the highest of 128.
struct Power {
  uint64_t high;
  uint64_t low;
};
constexpr std::array<Power, 22> kPowers = [] {
  std::array<Power, 22> powers{};
  Uint128 five = 1;  // 10^i and 5^i differ by a shift
  for (Power& power : powers) {
    Uint128 shifted = five;
    while ((shifted >> 127) == 0) shifted <<= 1;
    power = {static_cast<uint64_t>(shifted >> 64), static_cast<uint64_t>(shifted)};
    five *= 5;
  }
  return powers;
}();
static_assert(-FloorLog10ThreeQuartersPow2(kMinQ) < static_cast<int>(kPowers.size()));

// The upper 64 bits of g * c, of 192; the lowest of them is set where any bit below is, which
// keeps comparisons with whole numbers right.
inline uint64_t MultiplyRoundingToOdd(const Power& g, uint64_t c) {
  const Uint128 low = Uint128{g.low} * c;
  const Uint128 high = Uint128{g.high} * c + static_cast<uint64_t>(low >> 64);
  const bool inexact = static_cast<uint64_t>(high) > 1;
  return static_cast<uint64_t>(high >> 64) | (inexact ? 1 : 0);
}

}  // namespace

Decimal ShortestDecimal(double magnitude) {
  const auto bits = std::bit_cast<uint64_t>(magnitude);
  const uint64_t fraction = bits & (kHiddenBit - 1);
  const int q = static_cast<int>(bits >> kFractionBits) - kExponentBias;
  const uint64_t c = kHiddenBit | fraction;
  // What reads back as c lies between the middles to its neighbours, the middles themselves where
  // c is even. Below a power of two the neighbour is only half as far.
  const bool uneven = fraction == 0;
  const uint64_t outside = c & 1;
  const int k = uneven ? FloorLog10ThreeQuartersPow2(q) : FloorLog10Pow2(q);
  const int shift = q + FloorLog2Pow10(-k) + 1;
  const Power& power = kPowers[static_cast<size_t>(-k)];
  // All in quarters of 10^k.
  const uint64_t value = MultiplyRoundingToOdd(power, (4 * c) << shift);
  const uint64_t lower =
      MultiplyRoundingToOdd(power, (4 * c - (uneven ? 1 : 2)) << shift) + outside;
  const uint64_t upper = MultiplyRoundingToOdd(power, (4 * c + 2) << shift) - outside;

  const uint64_t below = value / 4;
  const uint64_t tens = below / 10;
  const bool tens_below = lower <= 40 * tens;
  const bool tens_above = 40 * tens + 40 <= upper;
  if (tens_below != tens_above) return {tens + (tens_above ? 1 : 0), k + 1};

  const bool below_inside = lower <= 4 * below;
  const bool above_inside = 4 * below + 4 <= upper;
  if (below_inside != above_inside) return {below + (above_inside ? 1 : 0), k};
  const uint64_t middle = 4 * below + 2;
  const bool up = value > middle || (value == middle && (below & 1) != 0);
  return {below + (up ? 1 : 0), k};
}

}  // namespace promplug
