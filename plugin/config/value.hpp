// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.hpp"
#include "base/text.hpp"
#include "config/yaml.hpp"

namespace promplug {

// How a value may appear in a message.
enum class Show {
  kPlain,   // as it is, but what looks like a URL is redacted
  kUrl,     // redacted as a URL
  kHidden,  // never
};

// One value that was given for a key, with all that an error about it says. Refers to the node
// and the origin, which must outlive it.
struct Value {
  std::string key;  // dotted
  const YamlNode& node;
  const Origin& origin;
  std::string_view expected;
  Show show = Show::kPlain;

  std::string Where() const { return origin.Where(node.line); }
  // The value as a message may show it.
  std::string Shown() const;
  // "where: key: value, expected ..."
  Status Error(std::string_view expectation) const;
  Status Error() const { return Error(expected); }
  // The same for a part of this value.
  Value Part(std::string part_key, const YamlNode& part) const {
    return {std::move(part_key), part, origin, expected, show};
  }
};

// "where: key: shown, expected ..." as kConfig.
Status ValueError(std::string_view where, std::string_view key, std::string_view shown,
                  std::string_view expected);

// The readers take a scalar and answer Value::Error() for all that they do not accept.
Status ReadString(const Value& value, std::string* out);
// true or false.
Status ReadBool(const Value& value, bool* out);
// Decimal digits only; from `low` to `high`.
Status ReadWhole(const Value& value, uint64_t low, uint64_t high, uint64_t* out);
// The same for the narrower counts.
Status ReadWhole(const Value& value, uint32_t low, uint32_t high, uint32_t* out);
// A decimal number of seconds from `low` to `high`.
Status ReadSeconds(const Value& value, double low, double high, double* out);

// UTF-8, not empty, at most 1024 bytes, without control characters: what may be a label value
// of the grouping key.
Status ReadLabelValue(const Value& value, std::string* out);

// One of a few words, in any case of letters.
template <typename T>
Status ReadChoice(const Value& value, std::initializer_list<std::pair<std::string_view, T>> choices,
                  T* out) {
  if (value.node.kind != YamlNode::Kind::kScalar) return value.Error();
  for (const auto& [word, meaning] : choices) {
    if (EqualsIgnoreCase(word, value.node.text)) {
      *out = meaning;
      return {};
    }
  }
  return value.Error();
}

}  // namespace promplug
