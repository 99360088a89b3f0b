// SPDX-License-Identifier: MIT
#include "abi/points.hpp"

#include "abi/sized.hpp"
#include "abi/strings.hpp"
#include "base/text.hpp"
#include "gather/collector_writer.hpp"

namespace promplug::abi {
namespace {

constexpr size_t kMaxBounds = 1 << 16;

bool IsType(int32_t type) { return type >= PROMPLUG_COUNTER && type <= PROMPLUG_GAUGE_HISTOGRAM; }

Status ReadNative(const promplug_native_histogram* from, NativeHistogram* out) {
  promplug_native_histogram native;
  Status status = CopyOptions(from, sizeof native, "native", &native);
  if (!status.ok()) return status;
  out->schema = native.schema;
  out->zero_threshold = native.zero_threshold;
  out->zero_count = native.zero_count;
  out->positive_offsets = native.positive_offsets;
  out->positive_lengths = native.positive_lengths;
  out->n_positive_spans = native.n_positive_spans;
  out->positive_counts = native.positive_counts;
  out->negative_offsets = native.negative_offsets;
  out->negative_lengths = native.negative_lengths;
  out->n_negative_spans = native.n_negative_spans;
  out->negative_counts = native.negative_counts;
  return status;
}

promplug_native_histogram ToNative(const NativeHistogram& from) {
  promplug_native_histogram native = {};
  native.struct_size = sizeof native;
  native.schema = from.schema;
  native.zero_threshold = from.zero_threshold;
  native.zero_count = from.zero_count;
  native.positive_offsets = from.positive_offsets;
  native.positive_lengths = from.positive_lengths;
  native.n_positive_spans = from.n_positive_spans;
  native.positive_counts = from.positive_counts;
  native.negative_offsets = from.negative_offsets;
  native.negative_lengths = from.negative_lengths;
  native.n_negative_spans = from.n_negative_spans;
  native.negative_counts = from.negative_counts;
  return native;
}

bool HasBuckets(MetricType type) {
  return type == MetricType::kHistogram || type == MetricType::kGaugeHistogram;
}

}  // namespace

Status ToProcessMode(int32_t mode, std::string_view field, ProcessMode* out) {
  if (mode < PROMPLUG_MODE_DEFAULT || mode > PROMPLUG_MODE_PER_WORKER) {
    return Status(Code::kInvalid,
                  std::string(field) + " " + std::to_string(mode) + " is not known");
  }
  *out = static_cast<ProcessMode>(mode);
  return Status();
}

Status FromHead(const promplug_family_head* from, FamilyHead* out) {
  promplug_family_head head;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_family_head, help), "head", &head);
  if (!status.ok()) return status;
  if (!IsType(head.type)) {
    return Status(Code::kInvalid, "head.type " + std::to_string(head.type) + " is not known");
  }
  *out = {static_cast<MetricType>(head.type), View(head.name), View(head.help), View(head.unit)};
  return ToProcessMode(head.process_mode, "head.process_mode", &out->process_mode);
}

promplug_family_head ToHead(const FamilyHead& head) {
  promplug_family_head out = {};
  out.struct_size = sizeof out;
  out.type = static_cast<int32_t>(head.type);
  out.name = Str(head.name);
  out.help = Str(head.help);
  out.unit = Str(head.unit);
  out.process_mode = static_cast<int32_t>(head.process_mode);
  return out;
}

Status ReadExemplar(const promplug_exemplar& from, std::string* labels, Exemplar* out) {
  Label each[kMaxLabels];
  Status status = ReadLabels(from.labels, from.n_labels, each);
  if (!status.ok()) return status;
  labels->clear();
  status = AppendRenderedLabels(labels, each, from.n_labels);
  *out = {*labels, from.value, from.unix_ms};
  return status;
}

Status PointFromHost::ReadExemplars(const promplug_point& from, Point* out) {
  exemplars_.clear();
  if (from.n_exemplars == 0) return Status();
  if (from.exemplars == nullptr) return Status(Code::kInvalid, "point.exemplars is NULL");
  const size_t stride = from.exemplars->struct_size;
  exemplar_labels_.resize(from.n_exemplars);
  for (size_t i = 0; i < from.n_exemplars; ++i) {
    promplug_exemplar exemplar;
    const char* at = reinterpret_cast<const char*>(from.exemplars) + i * stride;
    Status status = CopyOptions(reinterpret_cast<const promplug_exemplar*>(at), sizeof exemplar,
                                "exemplar", &exemplar);
    if (!status.ok()) return status;
    Exemplar read;
    // One that is not valid costs itself only.
    if (ReadExemplar(exemplar, &exemplar_labels_[i], &read).ok()) exemplars_.push_back(read);
  }
  out->exemplars = exemplars_.data();
  out->n_exemplars = exemplars_.size();
  return Status();
}

Status PointFromHost::Read(const promplug_point* from, MetricType type, Point* out) {
  *out = Point();
  promplug_point point;
  Status status = CopyOptions(from, PROMPLUG_UP_TO(promplug_point, value), "point", &point);
  if (!status.ok()) return status;
  constexpr uint32_t kKnownFlags = PROMPLUG_POINT_TIMESTAMP | PROMPLUG_POINT_NO_SUM;
  if ((point.flags & ~kKnownFlags) != 0)
    return Status(Code::kInvalid, "point.flags has an unknown flag");
  out->value = point.value;
  out->has_timestamp = (point.flags & PROMPLUG_POINT_TIMESTAMP) != 0;
  out->timestamp_ms = point.unix_ms;
  out->created_ms = point.created_unix_ms;
  out->has_sum = (point.flags & PROMPLUG_POINT_NO_SUM) == 0;
  out->sum = point.sum;
  out->integer = point.count;
  if (HasBuckets(type)) {
    if (point.n_bounds > kMaxBounds) return Status(Code::kInvalid, "point.n_bounds is too large");
    if (point.n_bounds > 0 && (point.bounds == nullptr || point.cumulative_counts == nullptr)) {
      return Status(Code::kInvalid, "point.bounds or point.cumulative_counts is NULL");
    }
    status = CumulativeToBuckets(point.cumulative_counts, point.n_bounds, point.count, &counts_);
    if (!status.ok()) return status;
    out->bounds = point.bounds;
    out->counts = counts_.data();
    out->n_bounds = point.n_bounds;
    if (point.native != nullptr) {
      status = ReadNative(point.native, &native_);
      if (!status.ok()) return status;
      out->native = &native_;
    }
  }
  if (type == MetricType::kSummary) {
    if (point.n_quantiles > 0 && (point.quantiles == nullptr || point.quantile_values == nullptr)) {
      return Status(Code::kInvalid, "point.quantiles or point.quantile_values is NULL");
    }
    out->quantiles = point.quantiles;
    out->quantile_values = point.quantile_values;
    out->n_quantiles = point.n_quantiles;
  }
  return ReadExemplars(point, out);
}

promplug_point PointToHost::Convert(const Point& point, MetricType type) {
  promplug_point out = {};
  out.struct_size = sizeof out;
  ToKvs(point.labels, &texts_, &labels_);
  out.labels = labels_.data();
  out.n_labels = labels_.size();
  out.value = point.is_integer ? static_cast<double>(point.integer) : point.value;
  out.created_unix_ms = point.created_ms;
  if (point.has_timestamp) {
    out.flags |= PROMPLUG_POINT_TIMESTAMP;
    out.unix_ms = point.timestamp_ms;
  }
  if (!point.has_sum) out.flags |= PROMPLUG_POINT_NO_SUM;
  out.sum = point.sum;
  if (HasBuckets(type)) {
    cumulative_.clear();
    for (size_t i = 0; i <= point.n_bounds; ++i) {
      out.count += point.counts[i];
      if (i < point.n_bounds) cumulative_.push_back(out.count);
    }
    out.bounds = point.bounds;
    out.cumulative_counts = cumulative_.data();
    out.n_bounds = point.n_bounds;
    if (point.native != nullptr) {
      native_ = ToNative(*point.native);
      out.native = &native_;
    }
  } else if (type == MetricType::kSummary) {
    out.count = point.integer;
    out.quantiles = point.quantiles;
    out.quantile_values = point.quantile_values;
    out.n_quantiles = point.n_quantiles;
  }
  ConvertExemplars(point, &out);
  return out;
}

void PointToHost::ConvertExemplars(const Point& point, promplug_point* out) {
  exemplars_.clear();
  if (exemplar_labels_.size() < point.n_exemplars) exemplar_labels_.resize(point.n_exemplars);
  for (size_t i = 0; i < point.n_exemplars; ++i) {
    const Exemplar& exemplar = point.exemplars[i];
    if (exemplar.labels.empty()) continue;
    ExemplarLabels& labels = exemplar_labels_[i];
    ToKvs(exemplar.labels, &labels.texts, &labels.labels);
    promplug_exemplar converted = {};
    converted.struct_size = sizeof converted;
    converted.labels = labels.labels.data();
    converted.n_labels = labels.labels.size();
    converted.value = exemplar.value;
    converted.unix_ms = exemplar.unix_ms;
    exemplars_.push_back(converted);
  }
  out->exemplars = exemplars_.data();
  out->n_exemplars = exemplars_.size();
}

promplug_point PointToHost::ConvertState(const Point& point, std::string_view label, size_t i) {
  promplug_point out = Convert(point, MetricType::kStateset);
  labels_.push_back({Str(label), Str(point.state_names[i])});
  out.labels = labels_.data();
  out.n_labels = labels_.size();
  out.value = static_cast<double>((point.states >> i) & 1);
  return out;
}

}  // namespace promplug::abi
