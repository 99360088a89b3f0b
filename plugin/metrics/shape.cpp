// SPDX-License-Identifier: MIT
#include "metrics/shape.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "base/text.hpp"
#include "metrics/names.hpp"
#include "metrics/sample_suffixes.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxBuckets = 1024;
constexpr double kDefaultNativeGrowth = 1.1;
constexpr double kDefaultNativeZeroWidth = 0x1p-128;
constexpr uint32_t kDefaultWindowSeconds = 600;
// Seconds of a network service, as all client libraries have them.
constexpr double kDefaultBuckets[] = {.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

Status Invalid(const FamilyDescription& d, const std::string& what) {
  return Status(Code::kInvalid, "family " + Quoted(d.name) + ": " + what);
}

std::string_view ReservedLabel(MetricType type) {
  switch (type) {
    case MetricType::kHistogram:
      return "le";
    case MetricType::kSummary:
      return "quantile";
    default:
      return {};
  }
}

Status CheckTexts(const FamilyDescription& d) {
  if (!IsUtf8Name(d.name)) return Invalid(d, "the name is empty or not UTF-8");
  if (!IsValidUtf8(d.help)) return Invalid(d, "the help is not UTF-8: " + Quoted(d.help));
  std::string_view base = d.name;
  if (d.type == MetricType::kCounter && base.ends_with("_total")) base.remove_suffix(6);
  if (!d.unit.empty() && !(base.size() > d.unit.size() && base.ends_with(d.unit) &&
                           base[base.size() - d.unit.size() - 1] == '_')) {
    return Invalid(d, "the name must end in the unit " + Quoted(d.unit) +
                          " (before _total, where it is a counter)");
  }
  return Status();
}

Status CheckLabels(const FamilyDescription& d) {
  if (d.label_names.size() + d.const_labels.size() > kMaxLabels) {
    return Invalid(d, "more than 64 labels");
  }
  std::vector<Label> all(d.const_labels);
  for (std::string_view name : d.label_names) all.push_back({name, {}});
  const std::string own(d.type == MetricType::kStateset ? StateLabelName(d.name)
                                                        : ReservedLabel(d.type));
  for (const Label& label : all) {
    if (!own.empty() && (label.name == own || LabelNamesCollide(label.name, own))) {
      return Invalid(d, "the label " + Quoted(own) + " belongs to the metric type");
    }
  }
  std::string rendered;
  Status status = AppendRenderedLabels(&rendered, all.data(), all.size());
  return status.ok() ? status : Invalid(d, status.text());
}

std::string NumberText(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

Status CheckNumbers(const FamilyDescription& d) {
  for (size_t i = 0; i < d.buckets.size(); ++i) {
    const bool last_infinite = i + 1 == d.buckets.size() && d.buckets[i] > 0;
    if (std::isnan(d.buckets[i]) || (std::isinf(d.buckets[i]) && !last_infinite) ||
        (i > 0 && !(d.buckets[i - 1] < d.buckets[i]))) {
      const std::string bound = NumberText(d.buckets[i]);
      return Invalid(
          d, "buckets must be finite and ascending; " + bound +
                 (std::isfinite(d.buckets[i]) ? " comes after " + NumberText(d.buckets[i - 1])
                                              : " is not finite, or not the last"));
    }
  }
  if (d.buckets.size() > kMaxBuckets) return Invalid(d, "more than 1024 buckets");
  for (const double quantile : d.quantiles) {
    if (!(quantile >= 0 && quantile <= 1)) return Invalid(d, "a quantile is not in [0, 1]");
  }
  if (d.quantiles.size() > kMaxLabels) return Invalid(d, "more than 64 quantiles");
  return Status();
}

Status CheckNative(const FamilyDescription& d) {
  if (!(d.native_growth == 0 || d.native_growth > 1)) {
    return Invalid(d, "native_growth must be above 1");
  }
  if (!(d.native_zero_width >= 0) || std::isinf(d.native_zero_width)) {
    return Invalid(d, "native_zero_width must be finite and not negative");
  }
  if (d.native_max_buckets > kMostNativeBuckets) return Invalid(d, "more than 2048 native buckets");
  return Status();
}

NativeShape NativeOf(const FamilyDescription& d) {
  if (d.type != MetricType::kHistogram || d.native_max_buckets == 0) return {};
  return {d.native_max_buckets,
          LevelOfGrowth(d.native_growth == 0 ? kDefaultNativeGrowth : d.native_growth),
          d.native_zero_width == 0 ? kDefaultNativeZeroWidth : d.native_zero_width};
}

Status CheckStates(const FamilyDescription& d) {
  if (d.type != MetricType::kStateset) return Status();
  if (d.states.empty() || d.states.size() > kMostStates) {
    return Invalid(d, "a stateset has 1 to 64 states");
  }
  for (size_t i = 0; i < d.states.size(); ++i) {
    if (d.states[i].empty() || !IsValidUtf8(d.states[i])) {
      return Invalid(d, "the state " + Quoted(d.states[i]) + " is empty or not UTF-8");
    }
    if (std::find(d.states.begin(), d.states.begin() + static_cast<std::ptrdiff_t>(i),
                  d.states[i]) != d.states.begin() + static_cast<std::ptrdiff_t>(i)) {
      return Invalid(d, "the state " + Quoted(d.states[i]) + " comes twice");
    }
  }
  return Status();
}

Status CheckMode(const FamilyDescription& d) {
  if (HasProcessMode(d.type, d.process_mode)) return Status();
  switch (d.process_mode) {
    case ProcessMode::kMax:
    case ProcessMode::kMin:
    case ProcessMode::kLatest:
      return Invalid(d, "the process modes max, min and latest are for gauges and statesets");
    case ProcessMode::kSum:
      return Invalid(d, "states and infos have no sum: the process mode cannot be that");
    case ProcessMode::kPerWorker:
      return Invalid(d, "an info family has the default process mode only");
    default:
      return Invalid(d, "the process mode is not known");
  }
}

std::vector<double> BucketsOf(const FamilyDescription& d) {
  if (d.type != MetricType::kHistogram) return {};
  if (d.buckets.empty() && d.native_max_buckets != 0) return {};
  if (d.buckets.empty()) return {std::begin(kDefaultBuckets), std::end(kDefaultBuckets)};
  std::vector<double> buckets(d.buckets);
  if (std::isinf(buckets.back())) buckets.pop_back();
  return buckets;
}

std::vector<double> QuantilesOf(const FamilyDescription& d) {
  if (d.type != MetricType::kSummary) return {};
  std::vector<double> quantiles(d.quantiles);
  std::sort(quantiles.begin(), quantiles.end());
  quantiles.erase(std::unique(quantiles.begin(), quantiles.end()), quantiles.end());
  return quantiles;
}

}  // namespace

bool AreBounds(const std::vector<double>& bounds) {
  for (size_t i = 0; i < bounds.size(); ++i) {
    if (!std::isfinite(bounds[i]) || (i > 0 && !(bounds[i - 1] < bounds[i]))) return false;
  }
  return true;
}

bool AreQuantiles(const std::vector<double>& quantiles) {
  return AreBounds(quantiles) &&
         (quantiles.empty() || (quantiles.front() >= 0 && quantiles.back() <= 1));
}

Result<FamilyShape> FamilyShape::FromDescription(const FamilyDescription& d) {
  if (d.type == MetricType::kUntyped || d.type == MetricType::kGaugeHistogram) {
    return Invalid(d, "only collectors have untyped families and gauge histograms");
  }
  for (const auto& check :
       {CheckTexts, CheckLabels, CheckNumbers, CheckNative, CheckStates, CheckMode}) {
    Status status = check(d);
    if (!status.ok()) return status;
  }
  FamilyShape shape;
  shape.type = d.type;
  shape.name = d.name;
  shape.help = d.help;
  shape.unit = d.unit;
  for (const std::string_view name : d.label_names) {
    const bool quoted = AppendRenderedName(&shape.label_names.emplace_back(), name);
    shape.quoted_labels = shape.quoted_labels || quoted;
  }
  std::string rendered;
  Status status = AppendRenderedLabels(&rendered, d.const_labels.data(), d.const_labels.size(),
                                       &shape.quoted_labels);
  if (!status.ok()) return status;
  if (!rendered.empty()) shape.const_labels = rendered.substr(1, rendered.size() - 2);
  shape.n_const_labels = d.const_labels.size();
  shape.buckets = BucketsOf(d);
  shape.native = NativeOf(d);
  shape.quantiles = QuantilesOf(d);
  shape.summary_window = std::chrono::seconds(
      d.summary_window_seconds == 0 ? kDefaultWindowSeconds : d.summary_window_seconds);
  shape.max_series = d.max_series;
  shape.process_mode = d.process_mode;
  if (d.type == MetricType::kStateset) shape.states.assign(d.states.begin(), d.states.end());
  return shape;
}

bool FamilyShape::SameAs(const FamilyShape& other, std::string* why) const {
  const auto same = [why](bool equal, const char* what) {
    if (!equal) *why = what;
    return equal;
  };
  return same(type == other.type, "type") && same(unit == other.unit, "unit") &&
         same(label_names == other.label_names, "label names") &&
         same(const_labels == other.const_labels, "constant labels") &&
         same(buckets == other.buckets, "buckets") &&
         same(native == other.native, "native buckets") &&
         same(quantiles == other.quantiles, "quantiles") &&
         same(states == other.states, "states") &&
         same(process_mode == other.process_mode, "process mode");
}

std::vector<std::string> FamilyShape::SampleNames() const {
  std::vector<std::string_view> suffixes = {""};
  if (type != MetricType::kInfo) {
    const auto more = SampleSuffixes(type, name);
    suffixes.insert(suffixes.end(), more.begin(), more.end());
  }
  std::set<std::string> names;
  for (const Escaping escaping : {Escaping::kUnderscores, Escaping::kDots, Escaping::kValues}) {
    std::string stem;
    AppendEscapedMetricName(&stem, name, escaping);
    if (type == MetricType::kInfo && !stem.ends_with("_info")) stem += "_info";
    for (const std::string_view suffix : suffixes) names.insert(stem + std::string(suffix));
  }
  return {names.begin(), names.end()};
}

bool HasProcessMode(MetricType type, ProcessMode mode) {
  switch (mode) {
    case ProcessMode::kDefault:
      return true;
    case ProcessMode::kMax:
    case ProcessMode::kMin:
    case ProcessMode::kLatest:
      return type == MetricType::kGauge || type == MetricType::kStateset;
    case ProcessMode::kSum:
      return type != MetricType::kStateset && type != MetricType::kInfo;
    case ProcessMode::kPerWorker:
      return type != MetricType::kInfo;
  }
  return false;
}

}  // namespace promplug
