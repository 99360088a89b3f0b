// SPDX-License-Identifier: MIT
// What becomes of the values of one series.
#include <algorithm>
#include <cmath>
#include <limits>

#include "metrics/native_scale.hpp"
#include "multiprocess/merged_family.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxStates = 64;
// Longer than what the formats allow for the labels of an exemplar, so that a newer one nearly
// always takes the place of the older one.
constexpr size_t kExemplarBytes = 128;

// A point for another one.
void Replace(MergedRow* row, const Point& point) {
  row->is_integer = point.is_integer;
  row->integer = point.is_integer ? point.integer : 0;
  row->value = {point.is_integer ? 0 : point.value, 0};
}

void AddSum(MergedRow* row, bool is_first, double sum, double low) {
  if (is_first) {
    row->value = {sum, low};
  } else {
    row->value.Add(sum);
    row->value.Add(low);
  }
}

void AddUp(MergedRow* row, bool is_first, const PartPoint& part) {
  const Point& point = part.point;
  if (is_first) Replace(row, point);
  if (!point.is_integer) {
    row->is_integer = false;
    AddSum(row, is_first, point.value, part.low);
  } else if (!is_first && __builtin_add_overflow(row->integer, point.integer, &row->integer)) {
    row->is_integer = false;
    row->value.Add(0x1p64);
  }
}

// Whether the point is on that side of the row. What is not a number is on no side of one.
bool IsBeyond(const MergedRow& row, const Point& point, bool above) {
  if (row.is_integer && point.is_integer) {
    return above ? point.integer > row.integer : point.integer < row.integer;
  }
  const double value = point.is_integer ? static_cast<double>(point.integer) : point.value;
  const double other = row.AsDouble();
  if (std::isnan(other)) return !std::isnan(value);
  return above ? value > other : value < other;
}

bool HoldsNumbers(const NativeHistogram& native) {
  if (native.schema < kCoarsestSchema || native.schema > kFinestSchema) return false;
  const auto level = static_cast<uint32_t>(kFinestSchema - native.schema);
  return NativeSpansHoldNumbers(level, native.positive_offsets, native.positive_lengths,
                                native.n_positive_spans) &&
         NativeSpansHoldNumbers(level, native.negative_offsets, native.negative_lengths,
                                native.n_negative_spans);
}

void AddSpans(NativeSum* sum, bool negative, uint32_t level, const int32_t* offsets,
              const uint32_t* lengths, size_t n, const uint64_t* counts) {
  int64_t index = 0;  // empty spans may stand anywhere
  for (size_t i = 0; i < n; ++i) {
    index += offsets[i];
    for (uint32_t k = 0; k < lengths[i]; ++k, ++index, ++counts) {
      if (*counts != 0) sum->Add(negative, level, static_cast<int32_t>(index), *counts);
    }
  }
}

// Both ascending.
void AddWindow(std::vector<SketchBucket>* window, const SketchBucket* added, size_t n,
               std::vector<SketchBucket>* scratch) {
  scratch->clear();
  auto mine = window->begin();
  for (size_t i = 0; i < n; ++i) {
    for (; mine != window->end() && mine->bucket < added[i].bucket; ++mine) {
      scratch->push_back(*mine);
    }
    scratch->push_back(added[i]);
    if (mine != window->end() && mine->bucket == added[i].bucket) {
      scratch->back().count += mine->count;
      ++mine;
    }
  }
  scratch->insert(scratch->end(), mine, window->end());
  window->assign(scratch->begin(), scratch->end());
}

}  // namespace

const char* MergedFamily::WhyUnfit(uint32_t row, const PartPoint& part,
                                   const PartOwner& owner) const {
  const Point& point = part.point;
  const bool is_first = row == SeriesIndex::kNone;
  if (is_histogram()) {
    if (point.native != nullptr && !HoldsNumbers(*point.native)) {
      return "its native buckets hold no number";
    }
    if (is_first) return nullptr;
    const MergedHistogram& histogram = histograms_[row];
    return std::equal(point.bounds, point.bounds + point.n_bounds, histogram.bounds,
                      histogram.bounds + histogram.n_bounds)
               ? nullptr
               : "its bounds are not those of the others";
  }
  if (head_.head.type == MetricType::kSummary) {
    // Who is gone has no say in what is shown.
    if (is_first || owner.state != PartOwner::State::kLive || !summaries_[row].of_live) {
      return nullptr;
    }
    const MergedSummary& summary = summaries_[row];
    return std::equal(point.quantiles, point.quantiles + point.n_quantiles, summary.quantiles,
                      summary.quantiles + summary.n_quantiles)
               ? nullptr
               : "its quantiles are not those of the others";
  }
  if (head_.head.type == MetricType::kStateset) {
    if (point.n_states > kMaxStates) return "it has more than 64 states";
    if (rows_.empty()) return nullptr;
    return std::equal(point.state_names, point.state_names + point.n_states, state_names_.begin(),
                      state_names_.end())
               ? nullptr
               : "its states are not those of the others";
  }
  return nullptr;
}

void MergedFamily::Combine(uint32_t index, bool is_first, const PartPoint& part,
                           const PartOwner& owner) {
  MergedRow& row = rows_[index];
  const Point& point = part.point;
  row.source = source_;
  row.is_live |= owner.state == PartOwner::State::kLive;
  if (point.created_ms != 0 && (row.created_ms == 0 || point.created_ms < row.created_ms)) {
    row.created_ms = point.created_ms;
  }
  // No timestamp means now.
  row.has_timestamp &= point.has_timestamp;
  if (is_first || point.timestamp_ms > row.timestamp_ms) row.timestamp_ms = point.timestamp_ms;
  const int64_t touched = owner.state == PartOwner::State::kRetained ? part.touched_ms : 0;
  const bool by_itself = !is_first && (touched == 0 || row.touched_ms == 0);
  row.touched_ms = by_itself ? 0 : std::max(is_first ? touched : row.touched_ms, touched);
  switch (head_.head.type) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return CombineHistogram(index, is_first, part);
    case MetricType::kSummary:
      return CombineSummary(index, is_first, part, owner);
    case MetricType::kStateset:
      if (rows_.size() == 1 && is_first) {
        for (size_t i = 0; i < point.n_states; ++i) {
          state_names_.push_back(arena_.Copy(point.state_names[i]));
        }
      }
      if (point.n_states != 0) return CombineStates(&row, is_first, part);
      break;
    case MetricType::kCounter:
      CombineExemplars(&row, point, 1);
      break;
    default:
      break;
  }
  CombineNumber(&row, is_first, part);
}

void MergedFamily::CombineNumber(MergedRow* row, bool is_first, const PartPoint& part) {
  const Point& point = part.point;
  bool replaces = is_first;
  switch (rule_) {
    case MergeRule::kSum:
      return AddUp(row, is_first, part);
    case MergeRule::kMax:
    case MergeRule::kMin:
      replaces |= !is_first && IsBeyond(*row, point, rule_ == MergeRule::kMax);
      break;
    case MergeRule::kLatest:
      replaces |= part.stamp_ns > row->stamp_ns;
      break;
    default:
      break;
  }
  if (!replaces) return;
  Replace(row, point);
  row->stamp_ns = part.stamp_ns;
}

void MergedFamily::CombineStates(MergedRow* row, bool is_first, const PartPoint& part) {
  const uint64_t states = part.point.states;
  if (is_first || (rule_ == MergeRule::kLatest && part.stamp_ns > row->stamp_ns)) {
    row->integer = states;
    row->stamp_ns = part.stamp_ns;
  } else if (rule_ == MergeRule::kMax) {
    row->integer |= states;
  } else if (rule_ == MergeRule::kMin) {
    row->integer &= states;
  }
}

void MergedFamily::CombineHistogram(uint32_t index, bool is_first, const PartPoint& part) {
  const Point& point = part.point;
  MergedRow& row = rows_[index];
  MergedHistogram& histogram = histograms_[index];
  const size_t buckets = point.n_bounds + 1;
  if (is_first) {
    histogram.bounds = KeepNumbers(point.bounds, point.n_bounds);
    histogram.n_bounds = point.n_bounds;
    histogram.counts = arena_.Copy(point.counts, buckets);
  } else {
    for (size_t i = 0; i < buckets; ++i) histogram.counts[i] += point.counts[i];
  }
  AddSum(&row, is_first, point.sum, part.low);
  row.has_sum &= point.has_sum;
  CombineNative(&histogram, is_first, point.native);
  CombineExemplars(&row, point, buckets);
}

// Readers want native buckets that add up to the count: they are shown only where all have them.
void MergedFamily::CombineNative(MergedHistogram* histogram, bool is_first,
                                 const NativeHistogram* added) {
  if (added == nullptr) {
    histogram->native.reset();
    return;
  }
  if (is_first) {
    histogram->native = std::make_unique<MergedHistogram::Native>();
    histogram->native->zero_threshold = added->zero_threshold;
  }
  MergedHistogram::Native* native = histogram->native.get();
  if (native == nullptr) return;
  NativeSum& sum = native->sum;
  const auto level = static_cast<uint32_t>(kFinestSchema - added->schema);
  constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();
  sum.AddZero(added->zero_count);
  AddSpans(&sum, false, level, added->positive_offsets, added->positive_lengths,
           added->n_positive_spans, added->positive_counts);
  AddSpans(&sum, true, level, added->negative_offsets, added->negative_lengths,
           added->n_negative_spans, added->negative_counts);
  sum.Settle(kNoLimit, level);
  if (added->zero_threshold != native->zero_threshold) {
    native->zero_threshold = std::max(native->zero_threshold, added->zero_threshold);
    sum.MoveToZero(native->zero_threshold);
  }
  const uint32_t limit = head_.native_max_buckets;
  sum.Settle(limit == 0 ? kNoLimit : limit, level);
}

void MergedFamily::CombineSummary(uint32_t index, bool is_first, const PartPoint& part,
                                  const PartOwner& owner) {
  MergedRow& row = rows_[index];
  MergedSummary& summary = summaries_[index];
  const Point& point = part.point;
  const bool is_live = owner.state == PartOwner::State::kLive;
  if (is_first || (is_live && !summary.of_live)) {
    summary.quantiles = KeepNumbers(point.quantiles, point.n_quantiles);
    summary.n_quantiles = point.n_quantiles;
    summary.of_live = is_live;
    const bool has_values = is_live && !has_window() && point.quantile_values != nullptr;
    summary.values = has_values ? arena_.Copy(point.quantile_values, point.n_quantiles) : nullptr;
  } else if (is_live) {
    summary.values = nullptr;
  }
  row.integer += point.integer;
  AddSum(&row, is_first, point.sum, part.low);
  row.has_sum &= point.has_sum;
  if (owner.state == PartOwner::State::kRetained) return;
  AddWindow(&summary.window, part.window, part.n_window, &window_);
}

void MergedFamily::CombineExemplars(MergedRow* row, const Point& point, size_t buckets) {
  const size_t n = std::min(point.n_exemplars, buckets);
  for (size_t i = 0; i < n; ++i) {
    const Exemplar& added = point.exemplars[i];
    if (added.labels.empty()) continue;
    if (row->exemplars == nullptr) row->exemplars = arena_.Array<Exemplar>(buckets);
    Exemplar& kept = row->exemplars[i];
    if (!kept.labels.empty() && added.unix_ms <= kept.unix_ms) continue;
    const size_t bytes = added.labels.size();
    const bool has_place =
        !kept.labels.empty() && bytes <= std::max(kept.labels.size(), kExemplarBytes);
    char* text = has_place ? const_cast<char*>(kept.labels.data())
                           : arena_.Bytes(std::max(bytes, kExemplarBytes));
    added.labels.copy(text, bytes);
    kept = {{text, bytes}, added.value, added.unix_ms};
  }
}

const double* MergedFamily::KeepNumbers(const double* numbers, size_t n) {
  if (n == n_numbers_ && std::equal(numbers, numbers + n, numbers_)) return numbers_;
  numbers_ = arena_.Copy(numbers, n);
  n_numbers_ = n;
  return numbers_;
}

}  // namespace promplug
