// SPDX-License-Identifier: MIT
#include "multiprocess/merged_points.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "metrics/sketch_scale.hpp"

namespace promplug {
namespace {

// So many points that need memory of their own are held at once.
constexpr size_t kBatch = 8;

// The rank of a quantile, from 1. A count of a damaged file may be beyond what a rank can say.
uint64_t RankOf(double quantile, uint64_t count) {
  const double rank = std::ceil(quantile * static_cast<double>(count));
  if (!(rank > 1)) return 1;
  return rank < 0x1p64 ? static_cast<uint64_t>(rank) : std::numeric_limits<uint64_t>::max();
}

void QuantilesOf(const MergedSummary& summary, std::vector<double>* values) {
  values->assign(summary.n_quantiles, std::numeric_limits<double>::quiet_NaN());
  uint64_t count = 0;
  for (const SketchBucket& bucket : summary.window) count += bucket.count;
  if (count == 0) return;
  auto bucket = summary.window.begin();
  uint64_t seen = bucket->count;
  // Quantiles ascend: one walk over the window finds them all.
  for (size_t i = 0; i < summary.n_quantiles; ++i) {
    const uint64_t rank = RankOf(summary.quantiles[i], count);
    while (seen < rank && std::next(bucket) != summary.window.end()) seen += (++bucket)->count;
    (*values)[i] = SketchValueOf(bucket->bucket);
  }
}

}  // namespace

size_t RowReader::BatchOf(size_t max) const {
  const MetricType type = family_.head().head.type;
  const bool is_large = type == MetricType::kHistogram || type == MetricType::kGaugeHistogram ||
                        type == MetricType::kSummary;
  return is_large ? std::min(max, kBatch) : max;
}

void RowReader::Prepare(Point* points, size_t n) const {
  Point common;
  common.state_names = family_.state_names().data();
  common.n_states = family_.state_names().size();
  std::fill_n(points, n, common);
}

void RowReader::Fill(size_t index, size_t slot, Point* out) {
  const MergedRow& row = family_.rows()[index];
  out->labels = row.labels;
  out->created_ms = row.created_ms;
  out->has_timestamp = row.has_timestamp;
  out->timestamp_ms = row.has_timestamp ? row.timestamp_ms : 0;
  out->exemplars = row.exemplars;
  switch (family_.head().head.type) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return FillHistogram(index, slot, out);
    case MetricType::kSummary:
      return FillSummary(index, slot, out);
    default:
      break;
  }
  out->n_exemplars = row.exemplars != nullptr ? 1 : 0;
  if (out->n_states != 0) {
    out->states = row.integer;
    return;
  }
  out->is_integer = row.is_integer;
  out->integer = row.is_integer ? row.integer : 0;
  out->value = row.is_integer ? 0 : row.AsDouble();
}

void RowReader::FillHistogram(size_t index, size_t slot, Point* out) {
  const MergedRow& row = family_.rows()[index];
  const MergedHistogram& histogram = family_.histogram(index);
  out->bounds = histogram.bounds;
  out->counts = histogram.counts;
  out->n_bounds = histogram.n_bounds;
  out->n_exemplars = row.exemplars != nullptr ? histogram.n_bounds + 1 : 0;
  out->has_sum = row.has_sum;
  out->sum = row.value.Rounded();
  out->native = nullptr;
  if (histogram.native == nullptr) return;
  if (natives_.size() <= slot) natives_.resize(kBatch);
  natives_[slot].Make(histogram.native->sum);
  natives_[slot].histogram().zero_threshold = histogram.native->zero_threshold;
  out->native = &natives_[slot].histogram();
}

void RowReader::FillSummary(size_t index, size_t slot, Point* out) {
  const MergedRow& row = family_.rows()[index];
  const MergedSummary& summary = family_.summary(index);
  out->integer = row.integer;
  out->has_sum = row.has_sum;
  out->sum = row.value.Rounded();
  out->quantiles = summary.quantiles;
  out->quantile_values = summary.values;
  out->n_quantiles = summary.n_quantiles;
  if (family_.head().kind != PartKind::kInstruments) {
    if (summary.values == nullptr) out->n_quantiles = 0;
    return;
  }
  if (quantile_values_.size() <= slot) quantile_values_.resize(kBatch);
  QuantilesOf(summary, &quantile_values_[slot]);
  out->quantile_values = quantile_values_[slot].data();
}

size_t MergedPoints::Next(Point* out, size_t max) {
  max = std::min(reader_.BatchOf(max), family_.rows().size() - at_);
  if (out != prepared_ || max > n_prepared_) {
    reader_.Prepare(out, max);
    prepared_ = out;
    n_prepared_ = max;
  }
  for (size_t i = 0; i < max; ++i) reader_.Fill(at_++, i, &out[i]);
  return max;
}

bool MergedParts::Next(PartPoint* out) {
  if (family_.rule() == MergeRule::kPerWorker || at_ == family_.rows().size()) return false;
  const MergedRow& row = family_.rows()[at_];
  *out = PartPoint();
  reader_.Prepare(&out->point, 1);
  reader_.Fill(at_, 0, &out->point);
  out->stamp_ns = row.stamp_ns;
  out->touched_ms = row.touched_ms;
  if (family_.rule() == MergeRule::kSum) out->low = family_.SumOf(row).Rest();
  if (family_.head().head.type == MetricType::kSummary) {
    const MergedSummary& summary = family_.summary(at_);
    out->point.quantile_values = summary.values;
    out->window = summary.window.data();
    out->n_window = summary.window.size();
  }
  ++at_;
  return true;
}

}  // namespace promplug
