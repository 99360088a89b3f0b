// SPDX-License-Identifier: MIT
#include "exposition/numbers.hpp"

#include <charconv>
#include <string_view>

#include "exposition/shortest_decimal.hpp"

namespace promplug {
namespace {

char* WriteText(char* out, std::string_view text) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* WriteNotFinite(char* out, double v) {
  if (std::isnan(v)) return WriteText(out, "NaN");
  return WriteText(out, v > 0 ? "+Inf" : "-Inf");
}

constexpr size_t kDecimals = 6;
constexpr uint64_t kMillion = 1000000;

// `millionths` / 1e6, which is not whole.
char* WriteMillionths(char* out, uint64_t millionths) {
  out = WriteUnsigned(out, millionths / kMillion);
  *out++ = '.';
  out = numbers_internal::WritePadded(out, millionths % kMillion, kDecimals);
  while (out[-1] == '0') --out;
  return out;
}

// Most values that people measure have few decimals, and then a division is all that is needed:
// it rounds as reading does, so if the quotient is `v`, the decimal number reads back as `v`; and
// of at most 15 digits no other number of so few does. Returns nullptr for other values.
char* WriteFewDecimals(char* out, double v) {
  constexpr double kLimit = 1e9;  // 9 digits and 6 decimals
  constexpr double kUnit = 1e6;
  constexpr double kHalf = 0.5;
  const double magnitude = std::fabs(v);
  if (!(magnitude < kLimit)) return nullptr;
  const auto millionths = static_cast<uint64_t>(magnitude * kUnit + kHalf);
  if (static_cast<double>(millionths) / kUnit != magnitude) return nullptr;
  // Whole numbers do not come here, but a zero does: it is a negative one.
  if (millionths == 0) return WriteText(out, "-0");
  if (v < 0) *out++ = '-';
  return WriteMillionths(out, millionths);
}

// A number with a fraction, below 2^53, so that its decimal form has the same whole part: between
// the two there is no whole number, for it would be a double nearer than that.
char* WriteShortest(char* out, double magnitude) {
  Decimal decimal = ShortestDecimal(magnitude);
  while (decimal.digits % 10 == 0) {
    decimal.digits /= 10;
    ++decimal.exponent;
  }
  const auto decimals = static_cast<size_t>(-decimal.exponent);
  const auto whole = static_cast<uint64_t>(magnitude);
  out = WriteUnsigned(out, whole);
  *out++ = '.';
  const uint64_t whole_digits = whole == 0 ? 0 : whole * numbers_internal::kPowersOfTen[decimals];
  return numbers_internal::WritePadded(out, decimal.digits - whole_digits, decimals);
}

}  // namespace

char* numbers_internal::WriteFraction(char* out, double v) {
  if (!std::isfinite(v)) return WriteNotFinite(out, v);
  if (char* const end = WriteFewDecimals(out, v)) return end;
  const double magnitude = std::fabs(v);
  if (magnitude >= kMinShortestDecimal && magnitude < kShortestDecimalLimit) {
    if (v < 0) *out++ = '-';
    return WriteShortest(out, magnitude);
  }
  return std::to_chars(out, out + kMaxNumberBytes, v).ptr;
}

char* WriteBound(char* out, double v) {
  if (!std::isfinite(v)) return WriteNotFinite(out, v);
  if (v == 0) return WriteText(out, "0");
  // The limits of Go's 'g' for the shortest form: fixed from 1e-4 to below 1e6.
  const double magnitude = std::fabs(v);
  const bool fixed = magnitude >= 1e-4 && magnitude < 1e6;
  const auto format = fixed ? std::chars_format::fixed : std::chars_format::scientific;
  return std::to_chars(out, out + kMaxNumberBytes, v, format).ptr;
}

char* WriteCanonicalBound(char* out, double v) {
  char* const end = WriteBound(out, v);
  const std::string_view text(out, static_cast<size_t>(end - out));
  if (!std::isfinite(v) || text.find_first_of(".e") != std::string_view::npos) return end;
  return WriteText(end, ".0");
}

char* WriteSeconds(char* out, int64_t ms) {
  constexpr uint64_t kThousand = 1000;
  auto magnitude = static_cast<uint64_t>(ms);
  if (ms < 0) {
    *out++ = '-';
    magnitude = ~magnitude + 1;
  }
  out = WriteUnsigned(out, magnitude / kThousand);
  if (magnitude % kThousand == 0) return out;
  *out++ = '.';
  out = numbers_internal::WritePadded(out, magnitude % kThousand, 3);
  while (out[-1] == '0') --out;
  return out;
}

}  // namespace promplug
