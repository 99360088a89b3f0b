// SPDX-License-Identifier: MIT
#include "gather/name_filter.hpp"

#include <algorithm>

#include "metrics/sample_suffixes.hpp"

namespace promplug {

bool NameFilter::Matches(MetricType type, std::string_view name) const {
  if (names_.empty()) return true;
  return std::any_of(names_.begin(), names_.end(), [&](std::string_view wanted) {
    if (wanted == name) return true;
    if (wanted.starts_with(name)) {
      const auto suffixes = SampleSuffixes(type, name);
      const std::string_view rest = wanted.substr(name.size());
      if (std::find(suffixes.begin(), suffixes.end(), rest) != suffixes.end()) return true;
    }
    if (OpenMetricsSuffix(type).empty()) return false;
    const std::vector<std::string> more = OpenMetricsNames(type, name);
    return std::find(more.begin() + 1, more.end(), wanted) != more.end();
  });
}

}  // namespace promplug
