// SPDX-License-Identifier: MIT
#include "gather/collected_output.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace promplug {

// Streams the points of one family out of the stored form.
class CollectedPoints final : public PointSource {
 public:
  CollectedPoints(const CollectedOutput& output, size_t family)
      : output_(output), points_(output.families_[family].points) {}

  size_t Next(Point* out, size_t max) override {
    const size_t n = std::min(max, points_.size() - next_);
    for (size_t i = 0; i < n; ++i) output_.Load(points_[next_ + i], &out[i]);
    next_ += n;
    return n;
  }

 private:
  const CollectedOutput& output_;
  const std::vector<CollectedOutput::StoredPoint>& points_;
  size_t next_ = 0;
};

FamilyHead CollectedOutput::Head(size_t i) const {
  const Family& family = families_[i];
  return {family.type,
          family.name,
          family.help,
          family.unit,
          family.process_mode,
          family.quoted_labels,
          family.plain_in_open_metrics};
}

std::unique_ptr<PointSource> CollectedOutput::Read(size_t i) const {
  return std::make_unique<CollectedPoints>(*this, i);
}

size_t CollectedOutput::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? kNotFound : found->second;
}

void CollectedOutput::AddFamily(const FamilyHead& head) {
  families_.push_back({head.type, std::string(head.name), std::string(head.help),
                       std::string(head.unit), head.process_mode});
  by_name_.emplace(std::string(head.name), families_.size() - 1);
  bytes_ += sizeof(Family) + head.name.size() * 2 + head.help.size() + head.unit.size();
}

void CollectedOutput::AddPoint(size_t i, const Point& point) {
  const MetricType type = families_[i].type;
  StoredPoint stored;
  stored.labels = Keep(point.labels);
  // A summary's count is an integer whatever is_integer says.
  stored.is_integer = point.is_integer || type == MetricType::kSummary;
  stored.bits = stored.is_integer ? point.integer : std::bit_cast<uint64_t>(point.value);
  if (type == MetricType::kHistogram || type == MetricType::kGaugeHistogram ||
      type == MetricType::kSummary || point.has_timestamp || point.created_ms != 0 ||
      point.n_exemplars != 0) {
    stored.extra = KeepExtra(type, point);
    stored.has_extra = true;
  }
  families_[i].points.push_back(stored);
  bytes_ += sizeof(StoredPoint);
}

CollectedOutput::Text CollectedOutput::Keep(std::string_view text) {
  const Text kept{static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text.size())};
  text_.append(text);
  bytes_ += text.size();
  return kept;
}

uint32_t CollectedOutput::KeepNumbers(const double* numbers, size_t n) {
  const auto at = static_cast<uint32_t>(numbers_.size());
  numbers_.insert(numbers_.end(), numbers, numbers + n);
  bytes_ += n * sizeof(double);
  return at;
}

// The series of a histogram mostly have the same bounds one after the other.
uint32_t CollectedOutput::KeepBounds(const double* bounds, size_t n) {
  if (n == n_last_bounds_ && std::equal(bounds, bounds + n, numbers_.begin() + last_bounds_)) {
    return last_bounds_;
  }
  last_bounds_ = KeepNumbers(bounds, n);
  n_last_bounds_ = static_cast<uint32_t>(n);
  return last_bounds_;
}

uint32_t CollectedOutput::KeepIntegers(const uint64_t* integers, size_t n) {
  const auto at = static_cast<uint32_t>(integers_.size());
  integers_.insert(integers_.end(), integers, integers + n);
  bytes_ += n * sizeof(uint64_t);
  return at;
}

CollectedOutput::Spans CollectedOutput::KeepSpans(const int32_t* offsets, const uint32_t* lengths,
                                                  size_t n, const uint64_t* counts) {
  Spans kept;
  kept.spans = static_cast<uint32_t>(offsets_.size());
  offsets_.insert(offsets_.end(), offsets, offsets + n);
  lengths_.insert(lengths_.end(), lengths, lengths + n);
  bytes_ += n * (sizeof(int32_t) + sizeof(uint32_t));
  kept.counts = KeepIntegers(counts, std::accumulate(lengths, lengths + n, size_t{0}));
  return kept;
}

uint32_t CollectedOutput::KeepNative(const NativeHistogram& native) {
  StoredNative stored;
  stored.head = native;
  stored.positive = KeepSpans(native.positive_offsets, native.positive_lengths,
                              native.n_positive_spans, native.positive_counts);
  stored.negative = KeepSpans(native.negative_offsets, native.negative_lengths,
                              native.n_negative_spans, native.negative_counts);
  stored_natives_.push_back(stored);
  bytes_ += sizeof(StoredNative) + sizeof(NativeHistogram);
  return static_cast<uint32_t>(stored_natives_.size() - 1);
}

uint32_t CollectedOutput::KeepExtra(MetricType type, const Point& point) {
  Extra extra;
  extra.has_timestamp = point.has_timestamp;
  extra.timestamp_ms = point.has_timestamp ? point.timestamp_ms : 0;
  extra.created_ms = point.created_ms;
  extra.has_sum = point.has_sum;
  extra.sum = point.sum;
  if (type == MetricType::kHistogram || type == MetricType::kGaugeHistogram) {
    extra.has_counts = true;
    extra.n_bounds = static_cast<uint32_t>(point.n_bounds);
    extra.bounds = KeepBounds(point.bounds, point.n_bounds);
    extra.counts = KeepIntegers(point.counts, point.n_bounds + 1);
    extra.has_native = point.native != nullptr;
    if (extra.has_native) extra.native = KeepNative(*point.native);
  } else if (type == MetricType::kSummary) {
    extra.n_quantiles = static_cast<uint32_t>(point.n_quantiles);
    extra.quantiles = KeepNumbers(point.quantiles, point.n_quantiles);
    KeepNumbers(point.quantile_values, point.n_quantiles);
  }
  extra.n_exemplars = static_cast<uint32_t>(point.n_exemplars);
  extra.exemplars = static_cast<uint32_t>(stored_exemplars_.size());
  for (size_t i = 0; i < point.n_exemplars; ++i) {
    const Exemplar& exemplar = point.exemplars[i];
    stored_exemplars_.push_back({Keep(exemplar.labels), exemplar.value, exemplar.unix_ms});
    bytes_ += sizeof(StoredExemplar) + sizeof(Exemplar);
  }
  extras_.push_back(extra);
  bytes_ += sizeof(Extra);
  return static_cast<uint32_t>(extras_.size() - 1);
}

std::string_view CollectedOutput::View(Text text) const {
  return std::string_view(text_).substr(text.offset, text.length);
}

void CollectedOutput::Seal() {
  exemplars_.reserve(stored_exemplars_.size());
  for (const StoredExemplar& stored : stored_exemplars_) {
    exemplars_.push_back({View(stored.labels), stored.value, stored.unix_ms});
  }
  natives_.reserve(stored_natives_.size());
  for (const StoredNative& stored : stored_natives_) {
    NativeHistogram native = stored.head;
    native.positive_offsets = offsets_.data() + stored.positive.spans;
    native.positive_lengths = lengths_.data() + stored.positive.spans;
    native.positive_counts = integers_.data() + stored.positive.counts;
    native.negative_offsets = offsets_.data() + stored.negative.spans;
    native.negative_lengths = lengths_.data() + stored.negative.spans;
    native.negative_counts = integers_.data() + stored.negative.counts;
    natives_.push_back(native);
  }
}

void CollectedOutput::Load(const StoredPoint& stored, Point* point) const {
  *point = Point();
  point->labels = View(stored.labels);
  point->is_integer = stored.is_integer;
  if (stored.is_integer) {
    point->integer = stored.bits;
  } else {
    point->value = std::bit_cast<double>(stored.bits);
  }
  if (!stored.has_extra) return;
  const Extra& extra = extras_[stored.extra];
  point->has_sum = extra.has_sum;
  point->sum = extra.sum;
  point->has_timestamp = extra.has_timestamp;
  point->timestamp_ms = extra.timestamp_ms;
  point->created_ms = extra.created_ms;
  if (extra.has_counts) {
    point->bounds = numbers_.data() + extra.bounds;
    point->n_bounds = extra.n_bounds;
    point->counts = integers_.data() + extra.counts;
  }
  if (extra.n_quantiles != 0) {
    point->quantiles = numbers_.data() + extra.quantiles;
    point->quantile_values = point->quantiles + extra.n_quantiles;
    point->n_quantiles = extra.n_quantiles;
  }
  if (extra.has_native) point->native = &natives_[extra.native];
  if (extra.n_exemplars != 0) {
    point->exemplars = &exemplars_[extra.exemplars];
    point->n_exemplars = extra.n_exemplars;
  }
}

}  // namespace promplug
