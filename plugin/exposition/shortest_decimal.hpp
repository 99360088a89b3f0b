// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace promplug {

// digits * 10^exponent. The digits may end in zeros.
struct Decimal {
  uint64_t digits;
  int exponent;
};

// What ShortestDecimal() takes: most of what people measure and is not whole.
inline constexpr double kMinShortestDecimal = 1e-4;
inline constexpr double kShortestDecimalLimit = 9007199254740992.0;  // 2^53, not included

// The decimal number of the fewest digits that reads back as `magnitude`, of several the nearest
// one; at most 17 digits. About half the time of std::to_chars.
// Method: R. Giulietti, "The Schubfach way to render doubles", 2021.
// REQUIRES: kMinShortestDecimal <= magnitude < kShortestDecimalLimit
Decimal ShortestDecimal(double magnitude);

}  // namespace promplug
