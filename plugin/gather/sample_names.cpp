// SPDX-License-Identifier: MIT
#include "gather/sample_names.hpp"

#include <algorithm>

namespace promplug {
namespace {

constexpr std::string_view kHistogram[] = {"_bucket", "_sum", "_count"};
constexpr std::string_view kSummary[] = {"_sum", "_count"};
constexpr std::string_view kInfo[] = {"_info"};
constexpr std::string_view kAll[] = {"_bucket", "_sum", "_count", "_info"};

}  // namespace

std::span<const std::string_view> SampleSuffixes(MetricType type, std::string_view name) {
  switch (type) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return kHistogram;
    case MetricType::kSummary:
      return kSummary;
    case MetricType::kInfo:
      if (!name.ends_with(kInfo[0])) return kInfo;
      return {};
    default:
      return {};
  }
}

std::span<const std::string_view> AllSampleSuffixes() { return kAll; }

bool NameFilter::Matches(MetricType type, std::string_view name) const {
  if (names_.empty()) return true;
  return std::any_of(names_.begin(), names_.end(), [&](std::string_view wanted) {
    if (!wanted.starts_with(name)) return false;
    const std::string_view rest = wanted.substr(name.size());
    const auto suffixes = SampleSuffixes(type, name);
    return rest.empty() || std::find(suffixes.begin(), suffixes.end(), rest) != suffixes.end();
  });
}

}  // namespace promplug
