// SPDX-License-Identifier: MIT
#include "routes.hpp"

#include <optional>

namespace sample {
namespace {

constexpr std::string_view kId = "{id}";

// The id in the path, empty where the template has none; nothing: the path is another's.
std::optional<std::string_view> MatchPath(std::string_view pattern, std::string_view path) {
  if (pattern.size() < kId.size() || pattern.substr(pattern.size() - kId.size()) != kId) {
    return path == pattern ? std::optional(std::string_view()) : std::nullopt;
  }
  const std::string_view prefix = pattern.substr(0, pattern.size() - kId.size());
  if (path.size() <= prefix.size() || path.substr(0, prefix.size()) != prefix) return std::nullopt;
  const std::string_view id = path.substr(prefix.size());
  return id.find('/') == std::string_view::npos ? std::optional(id) : std::nullopt;
}

}  // namespace

RouteTable::Match RouteTable::Find(std::string_view method, std::string_view path) const {
  if (method == "HEAD") method = "GET";
  Match match;
  for (const auto& route : routes_) {
    const auto id = MatchPath(route.pattern, path);
    if (!id) continue;
    match.pattern = route.pattern;
    if (route.method != method) continue;
    match.route = &route;
    match.id = *id;
    return match;
  }
  return match;
}

}  // namespace sample
