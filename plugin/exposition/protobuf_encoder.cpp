// SPDX-License-Identifier: MIT
#include "exposition/protobuf_encoder.hpp"

#include <algorithm>
#include <limits>

#include "metrics/labels.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

// Field numbers of metrics.proto, by message.
namespace family_field {
constexpr uint32_t kName = 1, kHelp = 2, kType = 3, kMetric = 4, kUnit = 5;
}
namespace metric_field {
constexpr uint32_t kLabel = 1, kGauge = 2, kCounter = 3, kSummary = 4, kUntyped = 5,
                   kTimestampMs = 6, kHistogram = 7;
}
namespace single_field {  // Counter, Gauge, Untyped
constexpr uint32_t kValue = 1, kExemplar = 2, kCreated = 3;
}
namespace summary_field {
constexpr uint32_t kCount = 1, kSum = 2, kQuantile = 3, kCreated = 4;
}
namespace histogram_field {
constexpr uint32_t kCount = 1, kSum = 2, kBucket = 3, kSchema = 5, kZeroThreshold = 6,
                   kZeroCount = 7, kNegativeSpan = 9, kNegativeDelta = 10, kPositiveSpan = 12,
                   kPositiveDelta = 13, kCreated = 15, kExemplar = 16;
}
namespace bucket_field {
constexpr uint32_t kCumulativeCount = 1, kUpperBound = 2, kExemplar = 3;
}
namespace exemplar_field {
constexpr uint32_t kLabel = 1, kValue = 2, kTimestamp = 3;
}

// The enumeration MetricType of metrics.proto.
uint64_t TypeNumber(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return 0;
    case MetricType::kGauge:
    case MetricType::kInfo:
    case MetricType::kStateset:
      return 1;
    case MetricType::kSummary:
      return 2;
    case MetricType::kHistogram:
      return 4;
    case MetricType::kGaugeHistogram:
      return 5;
    case MetricType::kUntyped:
      break;
  }
  return 3;
}

uint32_t MetricField(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return metric_field::kCounter;
    case MetricType::kSummary:
      return metric_field::kSummary;
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return metric_field::kHistogram;
    case MetricType::kUntyped:
      return metric_field::kUntyped;
    default:
      return metric_field::kGauge;
  }
}

// `plain` is memory for what has escapes.
void AppendUnescaped(WireWriter* out, uint32_t field, std::string_view escaped,
                     std::string* plain) {
  if (escaped.find('\\') == std::string_view::npos) return out->Bytes(field, escaped);
  plain->clear();
  AppendUnescapedLabelValue(plain, escaped);
  out->Bytes(field, *plain);
}

// LabelPair: name 1, value 2.
void AppendRendered(WireWriter* out, uint32_t field, std::string_view rendered,
                    std::string* plain) {
  for (LabelReader reader(rendered); reader.Next();) {
    const size_t begun = out->Begin(field);
    AppendUnescaped(out, 1, reader.escaped_name(), plain);
    AppendUnescaped(out, 2, reader.escaped_value(), plain);
    out->End(begun);
  }
}

// google.protobuf.Timestamp: seconds 1, nanos 2, which are never negative.
void AppendTime(WireWriter* out, uint32_t field, int64_t unix_ms) {
  constexpr int64_t kSecondMs = 1000;
  constexpr int64_t kMsNanos = 1000000;
  if (unix_ms == 0) return;
  const int64_t rest = (unix_ms % kSecondMs + kSecondMs) % kSecondMs;
  const size_t begun = out->Begin(field);
  out->Varint(1, static_cast<uint64_t>((unix_ms - rest) / kSecondMs));
  if (rest != 0) out->Varint(2, static_cast<uint64_t>(rest * kMsNanos));
  out->End(begun);
}

// Nothing where the point has no exemplar number i.
void AppendExemplar(WireWriter* out, uint32_t field, const Point& point, size_t i,
                    std::string* plain) {
  if (i >= point.n_exemplars || point.exemplars[i].labels.empty()) return;
  const Exemplar& exemplar = point.exemplars[i];
  const size_t begun = out->Begin(field);
  AppendRendered(out, exemplar_field::kLabel, exemplar.labels, plain);
  out->Double(exemplar_field::kValue, exemplar.value);
  AppendTime(out, exemplar_field::kTimestamp, exemplar.unix_ms);
  out->End(begun);
}

// One side of a native histogram. Counts are written as the difference from the one before.
struct Side {
  const int32_t* offsets;
  const uint32_t* lengths;
  size_t n_spans;
  const uint64_t* counts;
};

// BucketSpan: offset 1, length 2.
void AppendSpan(WireWriter* out, uint32_t field, int32_t offset, uint32_t length) {
  const size_t begun = out->Begin(field);
  out->Varint(1, WireWriter::ZigZag(offset));
  out->Varint(2, length);
  out->End(begun);
}

void AppendSide(WireWriter* out, uint32_t span_field, uint32_t delta_field, const Side& side) {
  size_t buckets = 0;
  for (size_t i = 0; i < side.n_spans; ++i) {
    AppendSpan(out, span_field, side.offsets[i], side.lengths[i]);
    buckets += side.lengths[i];
  }
  if (buckets == 0) return;
  const size_t begun = out->Begin(delta_field);
  uint64_t before = 0;
  for (size_t i = 0; i < buckets; ++i) {
    out->PackedVarint(WireWriter::ZigZag(static_cast<int64_t>(side.counts[i] - before)));
    before = side.counts[i];
  }
  out->End(begun);
}

void AppendNative(WireWriter* out, const Point& point, std::string* plain) {
  namespace f = histogram_field;
  const NativeHistogram& native = *point.native;
  out->Varint(f::kSchema, WireWriter::ZigZag(native.schema));
  out->Double(f::kZeroThreshold, native.zero_threshold);
  out->Varint(f::kZeroCount, native.zero_count);
  AppendSide(out, f::kNegativeSpan, f::kNegativeDelta,
             {native.negative_offsets, native.negative_lengths, native.n_negative_spans,
              native.negative_counts});
  AppendSide(out, f::kPositiveSpan, f::kPositiveDelta,
             {native.positive_offsets, native.positive_lengths, native.n_positive_spans,
              native.positive_counts});
  if (native.n_positive_spans == 0 && native.n_negative_spans == 0 && native.zero_count == 0 &&
      native.zero_threshold == 0) {
    AppendSpan(out, f::kPositiveSpan, 0, 0);
  }
  for (size_t i = 0; i < point.n_exemplars; ++i) AppendExemplar(out, f::kExemplar, point, i, plain);
}

}  // namespace

void ProtobufEncoder::BeginFamily(const FamilyHead& head) {
  constexpr std::string_view kInfoSuffix = "_info";
  type_ = head.type;
  name_.assign(head.name);
  if (type_ == MetricType::kInfo && !head.name.ends_with(kInfoSuffix)) name_ += kInfoSuffix;
  state_label_ = StateLabelName(name_);
  head_.Clear();
  head_.Bytes(family_field::kName, name_);
  if (!head.help.empty()) head_.Bytes(family_field::kHelp, head.help);
  head_.Varint(family_field::kType, TypeNumber(type_));
  if (!head.unit.empty()) head_.Bytes(family_field::kUnit, head.unit);
}

size_t ProtobufEncoder::AppendPoints(const Point* points, size_t n, OutputBuffer*) {
  points_.Clear();
  for (size_t i = 0; i < n; ++i) AppendPoint(points[i]);
  body_.Append(points_.view());
  return n;
}

bool ProtobufEncoder::EndFamily(OutputBuffer* out) {
  if (const std::string_view head = head_.view(); !head.empty()) {
    char* at = out->Claim(WireWriter::kMaxVarintBytes + head.size());
    if (at == nullptr) return false;
    at = WireWriter::WriteVarint(at, head.size() + body_.size());
    std::memcpy(at, head.data(), head.size());
    out->Commit(at + head.size());
    head_.Clear();
  }
  return body_.GiveOut(out);
}

void ProtobufEncoder::AppendPoint(const Point& point) {
  if (type_ == MetricType::kStateset && point.n_states != 0) return AppendStates(point);
  const size_t begun = points_.Begin(family_field::kMetric);
  AppendRendered(&points_, metric_field::kLabel, point.labels, &plain_);
  const size_t value = points_.Begin(MetricField(type_));
  switch (type_) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      AppendHistogram(point);
      break;
    case MetricType::kSummary:
      AppendSummary(point);
      break;
    default:
      AppendSingle(point);
  }
  points_.End(value);
  if (point.has_timestamp) {
    points_.Varint(metric_field::kTimestampMs, static_cast<uint64_t>(point.timestamp_ms));
  }
  points_.End(begun);
}

void ProtobufEncoder::AppendStates(const Point& point) {
  for (size_t i = 0; i < point.n_states; ++i) {
    const size_t begun = points_.Begin(family_field::kMetric);
    AppendRendered(&points_, metric_field::kLabel, point.labels, &plain_);
    const size_t label = points_.Begin(metric_field::kLabel);
    points_.Bytes(1, state_label_);
    points_.Bytes(2, point.state_names[i]);
    points_.End(label);
    const size_t value = points_.Begin(metric_field::kGauge);
    points_.Double(single_field::kValue, static_cast<double>((point.states >> i) & 1));
    points_.End(value);
    if (point.has_timestamp) {
      points_.Varint(metric_field::kTimestampMs, static_cast<uint64_t>(point.timestamp_ms));
    }
    points_.End(begun);
  }
}

void ProtobufEncoder::AppendSingle(const Point& point) {
  points_.Double(single_field::kValue,
                 point.is_integer ? static_cast<double>(point.integer) : point.value);
  if (type_ != MetricType::kCounter) return;
  AppendExemplar(&points_, single_field::kExemplar, point, 0, &plain_);
  AppendTime(&points_, single_field::kCreated, point.created_ms);
}

void ProtobufEncoder::AppendSummary(const Point& point) {
  points_.Varint(summary_field::kCount, point.integer);
  if (point.has_sum) points_.Double(summary_field::kSum, point.sum);
  for (size_t i = 0; i < point.n_quantiles; ++i) {
    // Quantile: quantile 1, value 2.
    const size_t begun = points_.Begin(summary_field::kQuantile);
    points_.Double(1, point.quantiles[i]);
    points_.Double(2, point.quantile_values[i]);
    points_.End(begun);
  }
  AppendTime(&points_, summary_field::kCreated, point.created_ms);
}

void ProtobufEncoder::AppendHistogram(const Point& point) {
  uint64_t count = 0;
  for (size_t i = 0; i <= point.n_bounds; ++i) count += point.counts[i];
  points_.Varint(histogram_field::kCount, count);
  if (point.has_sum) points_.Double(histogram_field::kSum, point.sum);
  const bool has_buckets = point.native == nullptr || point.n_bounds != 0;
  uint64_t cumulative = 0;
  for (size_t i = 0; has_buckets && i <= point.n_bounds; ++i) {
    cumulative += point.counts[i];
    const size_t begun = points_.Begin(histogram_field::kBucket);
    points_.Varint(bucket_field::kCumulativeCount, cumulative);
    points_.Double(bucket_field::kUpperBound,
                   i == point.n_bounds ? std::numeric_limits<double>::infinity() : point.bounds[i]);
    AppendExemplar(&points_, bucket_field::kExemplar, point, i, &plain_);
    points_.End(begun);
  }
  if (point.native != nullptr) AppendNative(&points_, point, &plain_);
  AppendTime(&points_, histogram_field::kCreated, point.created_ms);
}

}  // namespace promplug
