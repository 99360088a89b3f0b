// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace promplug {

// Numbers as text, without locale, allocation or failure. Every function writes at `out` at most
// kMaxNumberBytes bytes, no NUL, and returns the end of what it wrote. Reentrant.
inline constexpr size_t kMaxNumberBytes = 24;

namespace numbers_internal {

inline constexpr std::array<char, 200> kPairs = [] {
  std::array<char, 200> pairs{};
  for (size_t i = 0; i < 100; ++i) {
    pairs[2 * i] = static_cast<char>('0' + i / 10);
    pairs[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return pairs;
}();

inline constexpr std::array<uint64_t, 20> kPowersOfTen = [] {
  std::array<uint64_t, 20> powers{};
  uint64_t power = 1;
  for (uint64_t& p : powers) {
    p = power;
    power *= 10;
  }
  return powers;
}();

// 1233 / 4096 is log10(2), near enough for 64 bits.
inline size_t CountDigits(uint64_t v) {
  const auto guess = (static_cast<size_t>(std::bit_width(v | 1)) * 1233) >> 12;
  return guess + (v >= kPowersOfTen[guess] ? 1 : 0);
}

// What is neither whole nor small enough for the integer path.
char* WriteFraction(char* out, double v);

}  // namespace numbers_internal

inline char* WriteUnsigned(char* out, uint64_t v) {
  if (v < 10) {
    *out = static_cast<char>('0' + v);
    return out + 1;
  }
  const auto& pairs = numbers_internal::kPairs;
  char* const end = out + numbers_internal::CountDigits(v);
  char* p = end;
  while (v >= 100) {
    p -= 2;
    std::memcpy(p, &pairs[v % 100 * 2], 2);
    v /= 100;
  }
  if (v >= 10) {
    std::memcpy(p - 2, &pairs[v * 2], 2);
  } else {
    p[-1] = static_cast<char>('0' + v);
  }
  return end;
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

}  // namespace promplug
