// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "exposition/digits.hpp"

namespace promplug {

// Numbers as text, without locale, allocation or failure. Every function writes at `out` a text of
// at most kMaxNumberBytes bytes, no NUL, and returns its end. Numbers are written in blocks: all
// kNumberSpanBytes bytes at `out` may be written. Reentrant.
inline constexpr size_t kMaxNumberBytes = 24;
inline constexpr size_t kNumberSpanBytes = 34;

namespace numbers_internal {

// What is neither whole nor small enough for the integer path.
char* WriteFraction(char* out, double v);

inline constexpr uint64_t kBillion = 1000000000;
// What is kBillion or more.
char* WriteLong(char* out, uint64_t v);

}  // namespace numbers_internal

inline char* WriteUnsigned(char* out, uint64_t v) {
  constexpr uint32_t kThousand = 1000;
  if (v < kThousand) return digits::WriteUpToThree(out, v);
  if (v >= numbers_internal::kBillion) return numbers_internal::WriteLong(out, v);
  const auto ones = static_cast<uint32_t>(v);
  const uint32_t thousands = ones / kThousand;
  const uint32_t millions = thousands / kThousand;
  if (millions == 0) {
    out = digits::WriteUpToThree(out, thousands);
  } else {
    out = digits::WriteUpToThree(out, millions);
    out = digits::WriteThree(out, thousands - millions * kThousand);
  }
  return digits::WriteThree(out, ones - thousands * kThousand);
}

inline char* WriteSigned(char* out, int64_t v) {
  auto magnitude = static_cast<uint64_t>(v);
  if (v < 0) {
    *out++ = '-';
    magnitude = ~magnitude + 1;
  }
  return WriteUnsigned(out, magnitude);
}

// A sample value: a text with as few digits as read back as `v`, without an exponent where `v` is
// whole and below 2^53; NaN, +Inf and -Inf for what is not a number.
inline char* WriteValue(char* out, double v) {
  constexpr double kWholeLimit = 9007199254740992.0;  // 2^53
  if (v > -kWholeLimit && v < kWholeLimit) {
    const auto whole = static_cast<int64_t>(v);
    if (static_cast<double>(whole) == v && (whole != 0 || !std::signbit(v))) {
      return WriteSigned(out, whole);
    }
  }
  return numbers_internal::WriteFraction(out, v);
}

// The value of an `le` or `quantile` label. A series is known by this text, so it is exactly what
// Go's client writes (strconv.FormatFloat(v, 'g', -1, 64)): 1, 0.005, 1e-05, 1e+06, +Inf.
char* WriteBound(char* out, double v);
// The same as OpenMetrics wants it ("Considerations: Canonical Numbers"): 1.0, else as above.
char* WriteCanonicalBound(char* out, double v);

// Milliseconds as seconds, with a fraction where there is one: 1.5, -0.001, 20.
char* WriteSeconds(char* out, int64_t ms);

}  // namespace promplug
