// SPDX-License-Identifier: MIT
#include "config/pairs.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace promplug {
namespace {

Status SetLabel(const Value& value, std::string_view name, StringPairs* labels) {
  if (!IsValidLabelName(name) || name.starts_with("__") || name == "job" || name == "instance") {
    return value.Error(
        "a label name ([a-zA-Z_][a-zA-Z0-9_]*) other than job, instance and __* as the key");
  }
  std::string text;
  Status status = ReadLabelValue(value, &text);
  if (!status.ok()) return value.Error(kLabelValueText);
  const auto found = std::find_if(labels->begin(), labels->end(),
                                  [name](const auto& label) { return label.first == name; });
  if (found == labels->end()) {
    labels->emplace_back(name, std::move(text));
  } else {
    found->second = std::move(text);
  }
  return {};
}

// RFC 9110, 5.6.2.
bool IsToken(std::string_view text) {
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !text.empty() && text.find_first_not_of(kToken) == std::string_view::npos;
}

Status SetHeader(const Value& value, std::string_view name, StringPairs* headers) {
  constexpr std::array<std::string_view, 7> kOurs = {
      "Content-Type", "Content-Length", "Content-Encoding", "Expect",
      "Host",         "Connection",     "Transfer-Encoding"};
  const bool ours = std::any_of(kOurs.begin(), kOurs.end(), [name](std::string_view our) {
    return EqualsIgnoreCase(our, name);
  });
  if (!IsToken(name) || ours) {
    return value.Error(
        "an HTTP header name as the key, other than Content-Type, Content-Length, "
        "Content-Encoding, Expect, Host, Connection and Transfer-Encoding");
  }
  const std::string& text = value.node.text;
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
  if (value.node.kind != YamlNode::Kind::kScalar || TrimSpaces(text).empty() || control) {
    return value.Error("a text that is not empty, without CR, LF and other control characters");
  }
  const auto found = std::find_if(headers->begin(), headers->end(), [name](const auto& header) {
    return EqualsIgnoreCase(header.first, name);
  });
  if (found == headers->end()) {
    headers->emplace_back(name, text);
  } else {
    *found = {std::string(name), text};
  }
  return {};
}

using SetPair = Status (*)(const Value& value, std::string_view name, StringPairs* pairs);

Status ReadPairs(const Value& value, std::string_view key, SetPair set, StringPairs* pairs) {
  if (value.key != key)
    return set(value, std::string_view(value.key).substr(key.size() + 1), pairs);
  if (value.node.kind != YamlNode::Kind::kMap && value.node.kind != YamlNode::Kind::kNull) {
    return value.Error();
  }
  StringPairs fresh;
  for (const auto& [name, node] : value.node.entries) {
    const size_t before = fresh.size();
    const Value part = value.Part(value.key + "." + name, node);
    Status status = set(part, name, &fresh);
    if (!status.ok()) return status;
    if (fresh.size() == before) return part.Error("the name once, in whatever case of letters");
  }
  *pairs = std::move(fresh);
  return {};
}

}  // namespace

Status ReadLabels(const Value& value, std::string_view key, StringPairs* labels) {
  return ReadPairs(value, key, SetLabel, labels);
}

Status ReadHeaders(const Value& value, std::string_view key, StringPairs* headers) {
  return ReadPairs(value, key, SetHeader, headers);
}

}  // namespace promplug
