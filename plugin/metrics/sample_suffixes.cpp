// SPDX-License-Identifier: MIT
#include "metrics/sample_suffixes.hpp"

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

}  // namespace promplug
