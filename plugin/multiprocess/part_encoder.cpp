// SPDX-License-Identifier: MIT
#include <algorithm>
#include <type_traits>

#include "multiprocess/part_codec.hpp"
#include "multiprocess/part_layout.hpp"

namespace promplug {
namespace {

using namespace part_flags;

template <typename T>
void Put(std::string* out, T value) {
  static_assert(std::is_arithmetic_v<T>);
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
void PutArray(std::string* out, const T* values, size_t n) {
  if (n != 0) out->append(reinterpret_cast<const char*>(values), n * sizeof(T));
}

void PutSize(std::string* out, size_t n) { Put(out, static_cast<uint32_t>(n)); }

void PutText(std::string* out, std::string_view text) {
  PutSize(out, text.size());
  out->append(text);
}

void PutSide(std::string* out, const int32_t* offsets, const uint32_t* lengths, size_t n,
             const uint64_t* counts) {
  PutSize(out, n);
  PutArray(out, offsets, n);
  PutArray(out, lengths, n);
  uint64_t buckets = 0;
  for (size_t i = 0; i < n; ++i) buckets += lengths[i];
  PutArray(out, counts, buckets);
}

void PutNative(std::string* out, const NativeHistogram& native) {
  Put(out, native.schema);
  Put(out, native.zero_threshold);
  Put(out, native.zero_count);
  PutSide(out, native.positive_offsets, native.positive_lengths, native.n_positive_spans,
          native.positive_counts);
  PutSide(out, native.negative_offsets, native.negative_lengths, native.n_negative_spans,
          native.negative_counts);
}

// The places that a point has for exemplars.
size_t ExemplarPlaces(MetricType type, const Point& point) {
  if (type == MetricType::kCounter) return 1;
  return IsHistogramType(type) ? point.n_bounds + 1 : 0;
}

size_t CountExemplars(MetricType type, const Point& point) {
  const size_t n = std::min(point.n_exemplars, ExemplarPlaces(type, point));
  return static_cast<size_t>(
      std::count_if(point.exemplars, point.exemplars + n,
                    [](const Exemplar& exemplar) { return !exemplar.labels.empty(); }));
}

void PutExemplars(std::string* out, size_t places, size_t n, const Exemplar* exemplars) {
  PutSize(out, places);
  PutSize(out, n);
  for (size_t place = 0; n != 0; ++place) {
    const Exemplar& exemplar = exemplars[place];
    if (exemplar.labels.empty()) continue;
    PutSize(out, place);
    PutText(out, exemplar.labels);
    Put(out, exemplar.value);
    Put(out, exemplar.unix_ms);
    --n;
  }
}

void PutNumber(std::string* out, const Point& point) {
  Put(out, point.is_integer ? point.integer : std::bit_cast<uint64_t>(point.value));
}

// What the points of a family usually have in common, as bytes.
void PutShape(std::string* out, MetricType type, const Point& point) {
  if (IsHistogramType(type)) {
    PutSize(out, point.n_bounds);
    PutArray(out, point.bounds, point.n_bounds);
  } else if (type == MetricType::kSummary) {
    PutSize(out, point.n_quantiles);
    PutArray(out, point.quantiles, point.n_quantiles);
  } else if (type == MetricType::kStateset) {
    PutSize(out, point.n_states);
    for (size_t i = 0; i < point.n_states; ++i) PutText(out, point.state_names[i]);
  }
}

uint16_t FlagsOf(MetricType type, const PartPoint& part) {
  const Point& point = part.point;
  const bool is_summary = type == MetricType::kSummary;
  uint16_t flags = 0;
  const auto set = [&](uint16_t flag, bool on) {
    if (on) flags = static_cast<uint16_t>(flags | flag);
  };
  set(kInteger, point.is_integer);
  set(kSum, point.has_sum);
  set(kTimestamp, point.has_timestamp);
  set(kCreated, point.created_ms != 0);
  set(kStamp, part.stamp_ns != 0);
  set(kTouched, part.touched_ms != 0);
  set(kLow, part.low != 0);
  set(kQuantileValues, is_summary && point.quantile_values != nullptr);
  set(kWindow, is_summary && part.n_window != 0);
  set(kNative, IsHistogramType(type) && point.native != nullptr);
  set(kExemplars, CountExemplars(type, point) != 0);
  return flags;
}

void PutValues(std::string* out, MetricType type, uint16_t flags, const PartPoint& part) {
  const Point& point = part.point;
  if (IsHistogramType(type)) {
    PutArray(out, point.counts, point.n_bounds + 1);
    Put(out, point.sum);
    if ((flags & kNative) != 0) PutNative(out, *point.native);
  } else if (type == MetricType::kSummary) {
    if ((flags & kQuantileValues) != 0) PutArray(out, point.quantile_values, point.n_quantiles);
    Put(out, point.integer);
    Put(out, point.sum);
    if ((flags & kWindow) == 0) return;
    PutSize(out, part.n_window);
    for (size_t i = 0; i < part.n_window; ++i) {
      Put(out, part.window[i].bucket);
      Put(out, part.window[i].count);
    }
  } else if (type == MetricType::kStateset && point.n_states != 0) {
    Put(out, point.states);
  } else {
    PutNumber(out, point);
  }
}

}  // namespace

void PartEncoder::Family(const PartHead& part) {
  const FamilyHead& head = part.head;
  type_ = head.type;
  shape_.clear();
  Put(&out_, static_cast<uint8_t>(PartTag::kFamily));
  Put(&out_, static_cast<uint8_t>(part.kind));
  Put(&out_, static_cast<uint8_t>(head.type));
  Put(&out_, static_cast<uint8_t>(head.process_mode));
  const int flags = (part.one_process ? kOneProcess : 0) |
                    (head.quoted_labels ? kQuotedLabels : 0) |
                    (head.plain_in_open_metrics ? kPlainInOpenMetrics : 0);
  Put(&out_, static_cast<uint8_t>(flags));
  Put(&out_, part.native_max_buckets);
  PutText(&out_, head.name);
  PutText(&out_, head.help);
  PutText(&out_, head.unit);
}

void PartEncoder::Add(const PartPoint& part) {
  const Point& point = part.point;
  uint16_t flags = FlagsOf(type_, part);
  new_shape_.clear();
  PutShape(&new_shape_, type_, point);
  const bool same = new_shape_ == shape_;
  if (same) flags = static_cast<uint16_t>(flags | kSameShape);
  Put(&out_, static_cast<uint8_t>(PartTag::kPoint));
  Put(&out_, flags);
  PutText(&out_, point.labels);
  if ((flags & kCreated) != 0) Put(&out_, point.created_ms);
  if ((flags & kTimestamp) != 0) Put(&out_, point.timestamp_ms);
  if ((flags & kStamp) != 0) Put(&out_, part.stamp_ns);
  if ((flags & kTouched) != 0) Put(&out_, part.touched_ms);
  if ((flags & kLow) != 0) Put(&out_, part.low);
  if (!same) {
    out_.append(new_shape_);
    shape_.swap(new_shape_);
  }
  PutValues(&out_, type_, flags, part);
  if ((flags & kExemplars) != 0) {
    PutExemplars(&out_, ExemplarPlaces(type_, point), CountExemplars(type_, point),
                 point.exemplars);
  }
}

void PartEncoder::End() { Put(&out_, static_cast<uint8_t>(PartTag::kEnd)); }

}  // namespace promplug
