// SPDX-License-Identifier: MIT
#include "exposition/numbers.hpp"

#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

#include "exposition/digits.hpp"
#include "exposition/shortest_fraction.hpp"

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

// What is at most 99 millionths and nothing else is written as such; to_chars() would have an
// exponent. A division rounds as reading does. Returns nullptr for other values.
char* WriteMillionths(char* out, double v) {
  constexpr double kUnit = 1e6;
  constexpr double kHalf = 0.5;
  const double magnitude = std::fabs(v);
  const auto millionths = static_cast<uint32_t>(magnitude * kUnit + kHalf);
  if (static_cast<double>(millionths) / kUnit != magnitude) return nullptr;
  // Whole numbers do not come here, but a zero does: it is a negative one.
  if (millionths == 0) return WriteText(out, "-0");
  if (v < 0) *out++ = '-';
  out = WriteText(out, "0.0000");
  *out++ = static_cast<char>('0' + millionths / 10);
  if (millionths % 10 != 0) *out++ = static_cast<char>('0' + millionths % 10);
  return out;
}

}  // namespace

char* numbers_internal::WriteLong(char* out, uint64_t v) {
  constexpr uint64_t kThousand = 1000;
  const uint64_t billions = v / kBillion;
  const uint64_t rest = v - billions * kBillion;
  const uint64_t thousands = rest / kThousand;
  out = WriteUnsigned(out, billions);
  out = digits::WriteThree(out, thousands / kThousand);
  out = digits::WriteThree(out, thousands % kThousand);
  return digits::WriteThree(out, rest % kThousand);
}

char* numbers_internal::WriteFraction(char* out, double v) {
  const double magnitude = std::fabs(v);
  if (magnitude >= kMinShortestFraction && magnitude < kShortestFractionLimit) [[likely]] {
    *out = '-';
    if (std::signbit(v)) ++out;
    out = WriteUnsigned(out, static_cast<uint64_t>(static_cast<int64_t>(magnitude)));
    *out++ = '.';
    return WriteShortestFraction(out, magnitude);
  }
  if (!std::isfinite(v)) return WriteNotFinite(out, v);
  if (magnitude < kMinShortestFraction) {
    if (char* const end = WriteMillionths(out, v)) return end;
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
  out = digits::WriteThree(out, magnitude % kThousand);
  while (out[-1] == '0') --out;
  return out;
}

}  // namespace promplug
