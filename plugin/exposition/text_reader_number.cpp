// SPDX-License-Identifier: MIT
#include "exposition/text_reader_number.hpp"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <system_error>

#include "base/text.hpp"

namespace promplug {
namespace {

// No double has its first digit further left or right than this.
constexpr int64_t kExponentBound = 1'000'000;

// The decimal form of a number: what it takes to know whether it fits a double.
struct Decimal {
  bool valid = false;
  bool zero = true;
  // The value lies in [10^(magnitude-1), 10^magnitude).
  int64_t magnitude = 0;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// The digits at p, as far as they go; they move `decimal->magnitude` as digits before the point do,
// or after it.
const char* ScanDigits(const char* p, const char* end, bool before_point, Decimal* decimal) {
  for (; p != end && IsDigit(*p); ++p) {
    if (*p != '0') decimal->zero = false;
    if (before_point && !decimal->zero) ++decimal->magnitude;
    if (!before_point && decimal->zero) --decimal->magnitude;
  }
  return p;
}

// REQUIRES: no sign
Decimal ScanDecimal(const char* p, const char* end) {
  Decimal decimal;
  const char* const begin = p;
  p = ScanDigits(p, end, true, &decimal);
  bool digits = p != begin;
  if (p != end && *p == '.') {
    const char* const fraction = p + 1;
    p = ScanDigits(fraction, end, false, &decimal);
    digits = digits || p != fraction;
  }
  if (!digits) return decimal;
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    const bool negative = p != end && *p == '-';
    if (p != end && (*p == '-' || *p == '+')) ++p;
    if (p == end) return decimal;
    int64_t exponent = 0;
    for (; p != end && IsDigit(*p); ++p) {
      if (exponent < kExponentBound) exponent = exponent * 10 + (*p - '0');
    }
    decimal.magnitude += negative ? -exponent : exponent;
  }
  decimal.valid = p == end;
  return decimal;
}

// 'i' or 'n' and the rest of a word.
bool ReadWord(std::string_view text, bool signed_text, bool negative, double* value) {
  using Limits = std::numeric_limits<double>;
  if (EqualsIgnoreCase(text, "inf") || EqualsIgnoreCase(text, "infinity")) {
    *value = negative ? -Limits::infinity() : Limits::infinity();
    return true;
  }
  *value = Limits::quiet_NaN();
  return !signed_text && EqualsIgnoreCase(text, "nan");
}

bool FitsDouble(std::string_view digits, const Decimal& decimal) {
  using Limits = std::numeric_limits<double>;
  if (decimal.zero || decimal.magnitude <= Limits::max_exponent10) return true;
  if (decimal.magnitude > Limits::max_exponent10 + 1) return false;
  double value;
  return std::from_chars(digits.data(), digits.data() + digits.size(), value).ec == std::errc();
}

const char* SkipDigits(const char* p, const char* end) {
  while (p != end && IsDigit(*p)) ++p;
  return p;
}

// Whether it is a number without sign, so short and with so short an exponent that it fits a double
// for certain. Most are.
bool IsSmallDecimal(std::string_view text) {
  constexpr size_t kMaxBytes = 200;
  constexpr ptrdiff_t kMaxExponentDigits = 2;
  if (text.empty() || text.size() > kMaxBytes || !IsDigit(text[0])) return false;
  const char* const end = text.data() + text.size();
  const char* p = SkipDigits(text.data() + 1, end);
  if (p != end && *p == '.') p = SkipDigits(p + 1, end);
  if (p == end) return true;
  if (*p != 'e' && *p != 'E') return false;
  ++p;
  if (p != end && (*p == '-' || *p == '+')) ++p;
  return p != end && end - p <= kMaxExponentDigits && SkipDigits(p, end) == end;
}

bool Read(std::string_view text, double* value) {
  const bool signed_text = !text.empty() && (text[0] == '+' || text[0] == '-');
  const bool negative = signed_text && text[0] == '-';
  if (signed_text) text.remove_prefix(1);
  if (text.empty()) return false;
  double read = 0;
  if (!IsDigit(text[0]) && text[0] != '.') {
    if (!ReadWord(text, signed_text, negative, &read)) return false;
    if (value != nullptr) *value = read;
    return true;
  }
  const Decimal decimal = ScanDecimal(text.data(), text.data() + text.size());
  if (!decimal.valid || !FitsDouble(text, decimal)) return false;
  if (value == nullptr) return true;
  if (std::from_chars(text.data(), text.data() + text.size(), read).ec != std::errc()) read = 0;
  *value = negative ? -read : read;
  return true;
}

}  // namespace

bool IsTextFloat(std::string_view text) { return IsSmallDecimal(text) || Read(text, nullptr); }

bool ReadTextFloat(std::string_view text, double* value) { return Read(text, value); }

}  // namespace promplug
