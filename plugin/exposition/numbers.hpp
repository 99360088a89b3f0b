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

inline void WriteTwo(char* out, uint32_t v) { std::memcpy(out, &kPairs[size_t{v} * 2], 2); }
inline void WriteFour(char* out, uint32_t v) {
  WriteTwo(out, v / 100);
  WriteTwo(out + 2, v % 100);
}

// `v` in exactly `width` digits, with leading zeros. By eight and four, so that few divisions wait
// for each other. Returns the end.
inline char* WritePadded(char* out, uint64_t v, size_t width) {
  constexpr uint32_t kTenTo4 = 10000;
  constexpr uint64_t kTenTo8 = 100000000;
  char* const end = out + width;
  char* p = end;
  for (; p - out >= 8; v /= kTenTo8) {
    const auto eight = static_cast<uint32_t>(v % kTenTo8);
    p -= 8;
    WriteFour(p, eight / kTenTo4);
    WriteFour(p + 4, eight % kTenTo4);
  }
  auto rest = static_cast<uint32_t>(v);
  if (p - out >= 4) {
    p -= 4;
    WriteFour(p, rest % kTenTo4);
    rest /= kTenTo4;
  }
  if (p - out >= 2) {
    p -= 2;
    WriteTwo(p, rest % 100);
    rest /= 100;
  }
  if (p != out) *out = static_cast<char>('0' + rest);
  return end;
}

// What is neither whole nor small enough for the integer path.
char* WriteFraction(char* out, double v);

}  // namespace numbers_internal

inline char* WriteUnsigned(char* out, uint64_t v) {
  if (v < 10) {
    *out = static_cast<char>('0' + v);
    return out + 1;
  }
  return numbers_internal::WritePadded(out, v, numbers_internal::CountDigits(v));
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
