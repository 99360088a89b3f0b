// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace promplug {

// What WriteShortestFraction() takes: most of what people measure and is not whole.
inline constexpr double kMinShortestFraction = 1e-4;
inline constexpr double kShortestFractionLimit = 9007199254740992.0;  // 2^53, not included

// Writes what stands behind the point in the decimal number of the fewest digits that reads back as
// `magnitude`; of several such numbers in the nearest, of two that are as near in that whose last
// digit is even. What stands before the point is the whole part of `magnitude`: between the two
// there is no whole number, for it would be a double nearer than that. Returns the end; all
// kMaxFractionBytes bytes at `out` may be written. Reentrant.
// REQUIRES: kMinShortestFraction <= magnitude < kShortestFractionLimit; it is not whole
inline constexpr size_t kMaxFractionBytes = 20;
char* WriteShortestFraction(char* out, double magnitude);

}  // namespace promplug
