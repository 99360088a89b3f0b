// SPDX-License-Identifier: MIT
#include "push/grouping_key.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace promplug {
namespace {

bool IsUnreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

std::string Base64Url(std::string_view bytes) {
  constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) {
      group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    }
    for (size_t k = 0; k <= n; ++k) out.push_back(kAlphabet[group >> (18 - 6 * k) & 63]);
  }
  return out;
}

Status Append(std::string_view name, std::string_view value, std::set<std::string_view>* seen,
              std::string* path) {
  if (!IsValidLabelName(name) || name.substr(0, 2) == "__") {
    return Status(Code::kInvalid, "the grouping label " + Quoted(name) + " has no valid name");
  }
  if (!seen->insert(name).second) {
    return Status(Code::kInvalid, "the grouping label " + Quoted(name) + " comes twice");
  }
  if (value.empty()) {
    return Status(Code::kInvalid, "the grouping label " + Quoted(name) + " has an empty value");
  }
  if (!IsValidUtf8(value)) {
    return Status(Code::kInvalid, "the grouping label " + Quoted(name) +
                                      " has a value that is not UTF-8: " + Quoted(value));
  }
  path->append("/").append(name);
  const bool plain =
      value != "." && value != ".." &&
      std::all_of(value.begin(), value.end(), [](char c) { return IsUnreserved(c); });
  if (plain) {
    path->append("/").append(value);
  } else {
    path->append("@base64/").append(Base64Url(value));
  }
  return Status();
}

}  // namespace

Result<std::string> GroupPath(std::string_view job, std::string_view instance,
                              const StringPairs& labels) {
  std::string path = "/metrics";
  std::set<std::string_view> seen;
  Status status = Append("job", job, &seen, &path);
  if (status.ok()) status = Append("instance", instance, &seen, &path);
  for (const auto& [name, value] : labels) {
    if (status.ok()) status = Append(name, value, &seen, &path);
  }
  if (!status.ok()) return status;
  return path;
}

}  // namespace promplug
