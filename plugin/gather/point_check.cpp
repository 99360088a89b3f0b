// SPDX-License-Identifier: MIT
#include "gather/point_check.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "base/text.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxBounds = 1u << 16;
constexpr uint64_t kMaxNativeBuckets = 1u << 20;
constexpr uint64_t kMaxNativeCount = std::numeric_limits<int64_t>::max();
constexpr int32_t kMinSchema = -4;
constexpr int32_t kMaxSchema = 8;

Status Invalid(std::string text) { return Status(Code::kInvalid, std::move(text)); }

// Adds the counts of one side to *total.
Status CheckSpans(const int32_t* offsets, const uint32_t* lengths, size_t n, const uint64_t* counts,
                  uint64_t* total) {
  if (n == 0) return Status();
  if (offsets == nullptr || lengths == nullptr) return Invalid("native histogram without spans");
  uint64_t buckets = 0;
  int64_t end = 0;
  for (size_t i = 0; i < n; ++i) {
    if (i > 0 && offsets[i] < 0) return Invalid("native histogram with spans that overlap");
    buckets += lengths[i];
    if (buckets > kMaxNativeBuckets) return Invalid("native histogram with too many buckets");
    end += int64_t{offsets[i]} + lengths[i];
    if (end > std::numeric_limits<int32_t>::max()) {
      return Invalid("native histogram with spans beyond any bucket");
    }
  }
  if (buckets != 0 && counts == nullptr) return Invalid("native histogram without counts");
  for (uint64_t i = 0; i < buckets; ++i) {
    // Formats write differences of counts as signed numbers.
    if (counts[i] > kMaxNativeCount || (*total += counts[i]) > kMaxNativeCount) {
      return Invalid("native histogram with an impossible count");
    }
  }
  return Status();
}

// A reader refuses native buckets that do not add up to the count, but for observations of NaN,
// which are in none of them and make the sum NaN.
Status CheckNativeTotal(const Point& point, uint64_t total) {
  const uint64_t count =
      std::accumulate(point.counts, point.counts + point.n_bounds + 1, uint64_t{0});
  if (total == count || (total < count && point.has_sum && std::isnan(point.sum))) return Status();
  return Invalid("native histogram whose buckets add up to " + std::to_string(total) +
                 ", not to the count, " + std::to_string(count));
}

Status CheckNative(const Point& point) {
  const NativeHistogram& native = *point.native;
  if (native.schema < kMinSchema || native.schema > kMaxSchema) {
    return Invalid("native histogram schema " + std::to_string(native.schema) +
                   " is not in -4 to 8");
  }
  if (!(native.zero_threshold >= 0) || std::isinf(native.zero_threshold)) {
    return Invalid("native histogram with an impossible zero threshold");
  }
  uint64_t total = native.zero_count;
  Status status = CheckSpans(native.positive_offsets, native.positive_lengths,
                             native.n_positive_spans, native.positive_counts, &total);
  if (status.ok()) {
    status = CheckSpans(native.negative_offsets, native.negative_lengths, native.n_negative_spans,
                        native.negative_counts, &total);
  }
  return status.ok() ? CheckNativeTotal(point, total) : status;
}

Status CheckHistogram(const Point& point) {
  if (point.n_bounds > kMaxBounds) return Invalid("histogram with too many buckets");
  if (point.counts == nullptr || (point.n_bounds != 0 && point.bounds == nullptr)) {
    return Invalid("histogram without bounds or counts");
  }
  for (size_t i = 0; i < point.n_bounds; ++i) {
    if (!std::isfinite(point.bounds[i])) return Invalid("histogram bound that is not finite");
    if (i > 0 && !(point.bounds[i - 1] < point.bounds[i])) {
      return Invalid("histogram bounds that do not ascend");
    }
  }
  return point.native == nullptr ? Status() : CheckNative(point);
}

Status CheckSummary(const Point& point) {
  if (point.n_quantiles > kMaxBounds) return Invalid("summary with too many quantiles");
  if (point.n_quantiles != 0 && (point.quantiles == nullptr || point.quantile_values == nullptr)) {
    return Invalid("summary without quantiles or their values");
  }
  for (size_t i = 0; i < point.n_quantiles; ++i) {
    if (!(point.quantiles[i] >= 0 && point.quantiles[i] <= 1)) {
      return Invalid("summary quantile outside [0,1]");
    }
    if (i > 0 && !(point.quantiles[i - 1] < point.quantiles[i])) {
      return Invalid("summary quantiles that do not ascend");
    }
  }
  return Status();
}

bool IsNumber(const Point& point, double number) {
  return point.is_integer ? static_cast<double>(point.integer) == number : point.value == number;
}

}  // namespace

Status CheckFamilyHead(const FamilyHead& head) {
  if (head.type < MetricType::kCounter || head.type > MetricType::kGaugeHistogram) {
    return Invalid("unknown type " + std::to_string(static_cast<int>(head.type)) + " of family " +
                   Quoted(head.name));
  }
  if (!IsUtf8Name(head.name)) {
    return Invalid("family name " + Quoted(head.name) + " is empty or not UTF-8");
  }
  if (!IsValidUtf8(head.help)) {
    return Invalid("the help of " + Quoted(head.name) + " is not UTF-8");
  }
  if (!IsValidUtf8(head.unit)) {
    return Invalid("the unit of " + Quoted(head.name) + " is not UTF-8");
  }
  return Status();
}

Status CheckReservedLabels(const FamilyHead& head, const Label* labels, size_t n) {
  const auto has = [&](std::string_view name) {
    return std::any_of(labels, labels + n, [&](const Label& label) { return label.name == name; });
  };
  switch (head.type) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return has("le") ? Invalid("label \"le\" belongs to the histogram itself") : Status();
    case MetricType::kSummary:
      return has("quantile") ? Invalid("label \"quantile\" belongs to the summary itself")
                             : Status();
    case MetricType::kStateset: {
      const std::string state = StateLabelName(head.name);
      return has(state) ? Status()
                        : Invalid("stateset without the label " + Quoted(state) + " for its state");
    }
    default:
      return Status();
  }
}

Status CheckPoint(MetricType type, const Point& point) {
  switch (type) {
    case MetricType::kCounter:
      return point.is_integer || point.value >= 0 ? Status()
                                                  : Invalid("counter that is negative or NaN");
    case MetricType::kInfo:
      return IsNumber(point, 1) ? Status() : Invalid("info whose value is not 1");
    case MetricType::kStateset:
      return IsNumber(point, 0) || IsNumber(point, 1)
                 ? Status()
                 : Invalid("state whose value is neither 0 nor 1");
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return CheckHistogram(point);
    case MetricType::kSummary:
      return CheckSummary(point);
    default:
      return Status();
  }
}

}  // namespace promplug
