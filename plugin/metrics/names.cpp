// SPDX-License-Identifier: MIT
#include "metrics/names.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include "base/text.hpp"

namespace promplug {
namespace {

// In the order of the enumeration.
constexpr std::string_view kWords[] = {"underscores", "dots", "values", "allow-utf-8"};

// Takes the first character off `text`, which is well-formed.
uint32_t TakeCodePoint(std::string_view* text) {
  const auto lead = static_cast<unsigned char>((*text)[0]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // Of the lead byte, what is behind its length.
  uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    code = code << 6 | (static_cast<unsigned char>((*text)[i]) & 0x3Fu);
  }
  text->remove_prefix(length);
  return code;
}

bool IsPlain(uint32_t code, bool first, bool colon) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z') || code == '_' ||
         (code == ':' && colon) || (code >= '0' && code <= '9' && !first);
}

void AppendHex(std::string* out, uint32_t code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  constexpr unsigned kMaxShift = 28;
  bool leading = true;
  for (unsigned shift = kMaxShift;; shift -= 4) {
    const uint32_t digit = code >> shift & 15u;
    leading = leading && digit == 0 && shift > 0;
    if (!leading) out->push_back(kDigits[digit]);
    if (shift == 0) return;
  }
}

void AppendCharacter(std::string* out, uint32_t code, bool plain, Escaping escaping) {
  const auto as_it_is = static_cast<char>(code);
  switch (escaping) {
    case Escaping::kDots:
      if (code == '.') {
        out->append("_dot_");
      } else if (plain && code != '_') {
        out->push_back(as_it_is);
      } else {
        out->append("__");
      }
      return;
    case Escaping::kValues:
      if (code == '_') {
        out->append("__");
      } else if (plain) {
        out->push_back(as_it_is);
      } else {
        out->push_back('_');
        AppendHex(out, code);
        out->push_back('_');
      }
      return;
    default:
      out->push_back(plain ? as_it_is : '_');
  }
}

void AppendEscaped(std::string* out, std::string_view name, Escaping escaping, bool colon) {
  const bool is_plain = colon ? IsValidMetricName(name) : IsValidLabelName(name);
  if (is_plain || escaping == Escaping::kAllowUtf8) {
    out->append(name);
    return;
  }
  if (escaping == Escaping::kValues) out->append("U__");
  bool first = true;
  while (!name.empty()) {
    const uint32_t code = TakeCodePoint(&name);
    AppendCharacter(out, code, IsPlain(code, first, colon), escaping);
    first = false;
  }
}

}  // namespace

std::string_view EscapingName(Escaping escaping) { return kWords[static_cast<size_t>(escaping)]; }

std::optional<Escaping> ParseEscaping(std::string_view word) {
  for (size_t i = 0; i < std::size(kWords); ++i) {
    if (word == kWords[i]) return static_cast<Escaping>(i);
  }
  return std::nullopt;
}

bool IsUtf8Name(std::string_view name) { return !name.empty() && IsValidUtf8(name); }

void AppendEscapedMetricName(std::string* out, std::string_view name, Escaping escaping) {
  AppendEscaped(out, name, escaping, true);
}

void AppendEscapedLabelName(std::string* out, std::string_view name, Escaping escaping) {
  AppendEscaped(out, name, escaping, false);
}

std::string StateLabelName(std::string_view family) {
  std::string label(family);
  if (IsValidMetricName(family)) std::replace(label.begin(), label.end(), ':', '_');
  return label;
}

bool LabelNamesCollide(std::string_view a, std::string_view b) {
  if (IsValidLabelName(a) && IsValidLabelName(b)) return false;
  for (const Escaping escaping : {Escaping::kUnderscores, Escaping::kDots, Escaping::kValues}) {
    std::string shown_a;
    std::string shown_b;
    AppendEscapedLabelName(&shown_a, a, escaping);
    AppendEscapedLabelName(&shown_b, b, escaping);
    if (shown_a == shown_b) return true;
  }
  return false;
}

}  // namespace promplug
