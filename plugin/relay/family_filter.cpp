// SPDX-License-Identifier: MIT
#include "relay/family_filter.hpp"

#include <algorithm>

namespace promplug {
namespace {

// REQUIRES: name is not empty
bool Matches(std::string_view pattern, std::string_view name) {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return pattern.empty() || (name[0] == pattern[0] && name.starts_with(pattern));
}

bool AnyMatches(const std::vector<std::string>& patterns, std::string_view name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [name](const std::string& pattern) { return Matches(pattern, name); });
}

}  // namespace

bool FamilyFilter::Takes(std::string_view family) const {
  if (!config_.keep.empty() && !AnyMatches(config_.keep, family)) return false;
  if (AnyMatches(config_.drop, family)) return false;
  // Searched in place of find(): the set has no look-up by view, and is empty nearly always.
  return std::none_of(exclude_.begin(), exclude_.end(),
                      [family](const std::string& name) { return name == family; });
}

}  // namespace promplug
