// SPDX-License-Identifier: MIT
#include "gather/sample_names.hpp"

#include <algorithm>

namespace promplug {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr std::string_view kCreated = "_created";
constexpr std::string_view kHistogram[] = {"_bucket", "_sum", "_count", kCreated};
constexpr std::string_view kGaugeHistogram[] = {"_bucket", "_sum", "_count", "_gsum", "_gcount"};
constexpr std::string_view kSummary[] = {"_sum", "_count", kCreated};
constexpr std::string_view kInfo[] = {"_info"};
constexpr std::string_view kAll[] = {"_bucket", "_sum",    "_count", kCreated,
                                     "_gsum",   "_gcount", "_info"};

bool IsOneOf(std::string_view text, std::span<const std::string_view> all) {
  return std::find(all.begin(), all.end(), text) != all.end();
}

}  // namespace

std::span<const std::string_view> SampleSuffixes(MetricType type, std::string_view name) {
  switch (type) {
    case MetricType::kHistogram:
      return kHistogram;
    case MetricType::kGaugeHistogram:
      return kGaugeHistogram;
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

std::string_view OpenMetricsSuffix(MetricType type) {
  if (type == MetricType::kCounter) return kTotal;
  if (type == MetricType::kInfo) return kInfo[0];
  return {};
}

std::vector<std::string> OpenMetricsNames(MetricType type, std::string_view name) {
  const std::string_view suffix = OpenMetricsSuffix(type);
  std::string stem(name);
  if (name.ends_with(suffix)) stem.resize(name.size() - suffix.size());
  std::vector<std::string> names = {stem, stem + std::string(suffix)};
  if (type == MetricType::kCounter) names.push_back(stem + std::string(kCreated));
  return names;
}

bool NameFilter::Matches(MetricType type, std::string_view name) const {
  if (names_.empty()) return true;
  return std::any_of(names_.begin(), names_.end(), [&](std::string_view wanted) {
    if (wanted == name) return true;
    if (wanted.starts_with(name) &&
        IsOneOf(wanted.substr(name.size()), SampleSuffixes(type, name))) {
      return true;
    }
    if (OpenMetricsSuffix(type).empty()) return false;
    const std::vector<std::string> more = OpenMetricsNames(type, name);
    return std::find(more.begin() + 1, more.end(), wanted) != more.end();
  });
}

}  // namespace promplug
