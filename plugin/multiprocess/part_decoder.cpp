// SPDX-License-Identifier: MIT
#include "multiprocess/part_decoder.hpp"

#include <cmath>

#include "base/text.hpp"
#include "metrics/labels.hpp"
#include "metrics/names.hpp"
#include "metrics/native_scale.hpp"
#include "metrics/shape.hpp"
#include "metrics/sketch_scale.hpp"
#include "multiprocess/part_codec.hpp"

namespace promplug {
namespace {

using namespace part_flags;

static_assert(sizeof(SketchBucket) == 16, "a window is copied as it stands");

bool TakeHead(PartBytes* bytes, PartHead* part) {
  uint8_t kind = 0;
  uint8_t type = 0;
  uint8_t mode = 0;
  uint8_t flags = 0;
  FamilyHead& head = part->head;
  if (!bytes->Take(&kind) || !bytes->Take(&type) || !bytes->Take(&mode) || !bytes->Take(&flags) ||
      !bytes->Take(&part->native_max_buckets) || !bytes->TakeText(&head.name) ||
      !bytes->TakeText(&head.help) || !bytes->TakeText(&head.unit)) {
    return false;
  }
  part->kind = static_cast<PartKind>(kind);
  head.type = static_cast<MetricType>(type);
  head.process_mode = static_cast<ProcessMode>(mode);
  const bool is_known =
      part->kind >= PartKind::kInstruments && part->kind <= PartKind::kSelf &&
      head.type >= MetricType::kCounter && head.type <= MetricType::kGaugeHistogram &&
      head.process_mode <= ProcessMode::kPerWorker && (flags & ~kAllOfFamily) == 0;
  if (!is_known || !IsUtf8Name(head.name) || !IsValidUtf8(head.help) || !IsValidUtf8(head.unit)) {
    return bytes->Fail();
  }
  part->one_process = (flags & kOneProcess) != 0;
  head.quoted_labels = (flags & kQuotedLabels) != 0;
  head.plain_in_open_metrics = (flags & kPlainInOpenMetrics) != 0;
  return true;
}

}  // namespace

bool DecodedPoints::TakeTag() {
  uint8_t tag = 0;
  if (!bytes_.Take(&tag)) return false;
  if (tag < static_cast<uint8_t>(PartTag::kFamily) || tag > static_cast<uint8_t>(PartTag::kEnd)) {
    return bytes_.Fail();
  }
  tag_ = static_cast<PartTag>(tag);
  return true;
}

bool DecodedPoints::Next(PartPoint* out) {
  if (!bytes_.ok() || tag_ != PartTag::kPoint) return false;
  *out = PartPoint();
  return TakePoint(out) && TakeTag();
}

bool DecodedPoints::TakePoint(PartPoint* out) {
  Point& point = out->point;
  if (!bytes_.Take(&flags_) || !bytes_.TakeText(&point.labels)) return false;
  if ((flags_ & ~kAllOfPoint) != 0 || !IsLabelBlock(point.labels)) return bytes_.Fail();
  point.is_integer = Has(kInteger);
  point.has_sum = Has(kSum);
  point.has_timestamp = Has(kTimestamp);
  if (Has(kCreated) && !bytes_.Take(&point.created_ms)) return false;
  if (Has(kTimestamp) && !bytes_.Take(&point.timestamp_ms)) return false;
  if (Has(kStamp) && !bytes_.Take(&out->stamp_ns)) return false;
  if (Has(kTouched) && !bytes_.Take(&out->touched_ms)) return false;
  if (Has(kLow) && !bytes_.Take(&out->low)) return false;
  if (!std::isfinite(out->low)) return bytes_.Fail();
  bool taken = true;
  if (IsHistogramType(type_)) {
    taken = TakeShape() && TakeHistogram(&point);
  } else if (type_ == MetricType::kSummary) {
    taken = TakeShape() && TakeSummary(out);
  } else if (type_ == MetricType::kStateset) {
    taken = TakeShape();
    point.state_names = states_.data();
    point.n_states = states_.size();
    taken = taken && (states_.empty() ? TakeNumber(&point) : bytes_.Take(&point.states));
  } else {
    taken = TakeNumber(&point);
  }
  return taken && (!Has(kExemplars) || TakeExemplars(&point));
}

bool DecodedPoints::TakeShape() {
  if (Has(kSameShape)) return has_shape_ || bytes_.Fail();
  has_shape_ = true;
  uint32_t n = 0;
  if (type_ == MetricType::kStateset) return bytes_.TakeSize(sizeof n, &n) && TakeStates(n);
  if (!bytes_.TakeSize(sizeof(double), &n) || !bytes_.TakeArray(n, &shape_)) return false;
  const bool good = IsHistogramType(type_) ? AreBounds(shape_) : AreQuantiles(shape_);
  return good || bytes_.Fail();
}

bool DecodedPoints::TakeStates(size_t n) {
  if (n > kMostStates) return bytes_.Fail();
  states_.resize(n);
  for (std::string_view& state : states_) {
    if (!bytes_.TakeText(&state)) return false;
    if (!IsValidUtf8(state)) return bytes_.Fail();
  }
  return true;
}

bool DecodedPoints::TakeNumber(Point* point) {
  if (point->is_integer) return bytes_.Take(&point->integer);
  return bytes_.Take(&point->value);
}

bool DecodedPoints::TakeHistogram(Point* point) {
  if (!bytes_.TakeArray(shape_.size() + 1, &counts_) || !bytes_.Take(&point->sum)) return false;
  point->bounds = shape_.data();
  point->n_bounds = shape_.size();
  point->counts = counts_.data();
  return !Has(kNative) || TakeNative(point);
}

bool DecodedPoints::TakeNative(Point* point) {
  if (!bytes_.Take(&native_.schema) || !bytes_.Take(&native_.zero_threshold) ||
      !bytes_.Take(&native_.zero_count)) {
    return false;
  }
  if (native_.schema < kCoarsestSchema || native_.schema > kFinestSchema ||
      !std::isfinite(native_.zero_threshold) || native_.zero_threshold < 0) {
    return bytes_.Fail();
  }
  if (!TakeSide(native_.schema, &positive_) || !TakeSide(native_.schema, &negative_)) return false;
  native_.positive_offsets = positive_.offsets.data();
  native_.positive_lengths = positive_.lengths.data();
  native_.n_positive_spans = positive_.lengths.size();
  native_.positive_counts = positive_.counts.data();
  native_.negative_offsets = negative_.offsets.data();
  native_.negative_lengths = negative_.lengths.data();
  native_.n_negative_spans = negative_.lengths.size();
  native_.negative_counts = negative_.counts.data();
  point->native = &native_;
  return true;
}

bool DecodedPoints::TakeSide(int32_t schema, Side* side) {
  uint32_t n = 0;
  if (!bytes_.TakeSize(sizeof(int32_t) + sizeof(uint32_t), &n) ||
      !bytes_.TakeArray(n, &side->offsets) || !bytes_.TakeArray(n, &side->lengths)) {
    return false;
  }
  uint64_t buckets = 0;
  for (size_t i = 0; i < n; ++i) {
    if (i > 0 && side->offsets[i] < 0) return bytes_.Fail();
    buckets += side->lengths[i];
  }
  const auto level = static_cast<uint32_t>(kFinestSchema - schema);
  if (!NativeSpansHoldNumbers(level, side->offsets.data(), side->lengths.data(), n)) {
    return bytes_.Fail();
  }
  return bytes_.TakeArray(buckets, &side->counts);
}

bool DecodedPoints::TakeSummary(PartPoint* out) {
  Point& point = out->point;
  point.quantiles = shape_.data();
  point.n_quantiles = shape_.size();
  if (Has(kQuantileValues)) {
    if (!bytes_.TakeArray(shape_.size(), &quantile_values_)) return false;
    point.quantile_values = quantile_values_.data();
  }
  return bytes_.Take(&point.integer) && bytes_.Take(&point.sum) &&
         (!Has(kWindow) || TakeWindow(out));
}

bool DecodedPoints::TakeWindow(PartPoint* out) {
  uint32_t n = 0;
  if (!bytes_.TakeSize(sizeof(SketchBucket), &n) || !bytes_.TakeArray(n, &window_)) return false;
  for (size_t i = 0; i < n; ++i) {
    const int64_t bucket = window_[i].bucket;
    if (bucket < kLowestSketchBucket || bucket > kHighestSketchBucket ||
        (i > 0 && window_[i - 1].bucket >= bucket)) {
      return bytes_.Fail();
    }
  }
  out->window = window_.data();
  out->n_window = n;
  return true;
}

bool DecodedPoints::TakeExemplars(Point* point) {
  const size_t places = IsHistogramType(type_)          ? shape_.size() + 1
                        : type_ == MetricType::kCounter ? size_t{1}
                                                        : size_t{0};
  uint32_t n_places = 0;
  uint32_t n = 0;
  if (!bytes_.Take(&n_places) || !bytes_.Take(&n)) return false;
  if (n_places != places || n > places) return bytes_.Fail();
  exemplars_.assign(places, Exemplar());
  int64_t last = -1;
  for (uint32_t i = 0; i < n; ++i) {
    uint32_t place = 0;
    Exemplar exemplar;
    if (!bytes_.Take(&place) || !bytes_.TakeText(&exemplar.labels) ||
        !bytes_.Take(&exemplar.value) || !bytes_.Take(&exemplar.unix_ms)) {
      return false;
    }
    if (place >= places || place <= last || exemplar.labels.empty() ||
        !IsLabelBlock(exemplar.labels)) {
      return bytes_.Fail();
    }
    last = place;
    exemplars_[place] = exemplar;
  }
  point->exemplars = exemplars_.data();
  point->n_exemplars = places;
  return true;
}

Status DecodeParts(std::string_view all,
                   const std::function<void(const PartHead& head, PartPoints* points)>& use) {
  if (all.empty()) return Status();
  PartBytes bytes(all);
  uint8_t tag = 0;
  bytes.Take(&tag);
  while (bytes.ok() && tag == static_cast<uint8_t>(PartTag::kFamily)) {
    PartHead head;
    if (!TakeHead(&bytes, &head)) break;
    DecodedPoints points(&bytes, head.head.type);
    if (!points.TakeTag()) break;
    use(head, &points);
    PartPoint rest;
    while (points.Next(&rest)) {
    }
    tag = static_cast<uint8_t>(points.next_tag());
  }
  if (bytes.ok() && tag == static_cast<uint8_t>(PartTag::kEnd) && bytes.left() == 0) {
    return Status();
  }
  return Status(Code::kInvalid, "the families of a process, " + std::to_string(all.size()) +
                                    " bytes, are cut or damaged");
}

}  // namespace promplug
