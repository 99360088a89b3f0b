// SPDX-License-Identifier: MIT
#include "config/value.hpp"

#include <algorithm>
#include <charconv>

#include "config/address.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxLabelValueBytes = 1024;

template <typename T>
bool ParseNumber(std::string_view text, T* out) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *out);
  return error == std::errc() && stop == end;
}

}  // namespace

std::string Value::Shown() const {
  switch (node.kind) {
    case YamlNode::Kind::kNull:
      return "nothing";
    case YamlNode::Kind::kList:
      return "a list";
    case YamlNode::Kind::kMap:
      return "a map";
    case YamlNode::Kind::kScalar:
      break;
  }
  if (show == Show::kHidden) return "a text that is not shown here";
  // A URL with a password can stand at a wrong key.
  const bool is_url = show == Show::kUrl || node.text.find('@') != std::string::npos ||
                      node.text.find("://") != std::string::npos;
  return Quoted(is_url ? RedactAnyUrl(node.text) : node.text);
}

Status Value::Error(std::string_view expectation) const {
  return ValueError(Where(), key, Shown(), expectation);
}

Status ValueError(std::string_view where, std::string_view key, std::string_view shown,
                  std::string_view expected) {
  std::string text(where);
  text.append(": ").append(key).append(": ").append(shown).append(", expected ").append(expected);
  return {Code::kConfig, std::move(text)};
}

Status ReadString(const Value& value, std::string* out) {
  if (value.node.kind != YamlNode::Kind::kScalar) return value.Error();
  *out = value.node.text;
  return {};
}

Status ReadBool(const Value& value, bool* out) {
  return ReadChoice<bool>(value, {{"true", true}, {"false", false}}, out);
}

Status ReadWhole(const Value& value, uint64_t low, uint64_t high, uint64_t* out) {
  uint64_t number = 0;
  if (value.node.kind != YamlNode::Kind::kScalar || !ParseNumber(value.node.text, &number) ||
      number < low || number > high) {
    return value.Error();
  }
  *out = number;
  return {};
}

Status ReadWhole(const Value& value, uint32_t low, uint32_t high, uint32_t* out) {
  uint64_t number = 0;
  Status status = ReadWhole(value, uint64_t{low}, uint64_t{high}, &number);
  if (status.ok()) *out = static_cast<uint32_t>(number);
  return status;
}

Status ReadSeconds(const Value& value, double low, double high, double* out) {
  double number = 0;
  // The negated comparison refuses NaN, which from_chars reads.
  if (value.node.kind != YamlNode::Kind::kScalar || !ParseNumber(value.node.text, &number) ||
      !(number >= low && number <= high)) {
    return value.Error();
  }
  *out = number;
  return {};
}

Status ReadLabelValue(const Value& value, std::string* out) {
  const std::string& text = value.node.text;
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
  if (value.node.kind != YamlNode::Kind::kScalar || text.empty() || control ||
      text.size() > kMaxLabelValueBytes || !IsValidUtf8(text)) {
    return value.Error();
  }
  *out = text;
  return {};
}

}  // namespace promplug
