// SPDX-License-Identifier: MIT
// Updates of a family's series that carry an exemplar.
#include "metrics/family.hpp"

namespace promplug {

bool Family::KeepsExemplar(UpdateOp op, double value, const Exemplar& exemplar) const {
  const bool fits = op == UpdateOp::kAdd ? shape_.type == MetricType::kCounter && value >= 0
                                         : op == UpdateOp::kObserve && value == value &&
                                               shape_.type == MetricType::kHistogram;
  return fits && IsGoodExemplar(exemplar.labels);
}

Status Family::Apply(Series* series, UpdateOp op, double value, const Exemplar& exemplar) {
  if (!KeepsExemplar(op, value, exemplar)) {
    ExemplarDropped();
    return Apply(series, op, value);
  }
  if ((series->flags_.load(std::memory_order_relaxed) & Series::kDiscard) != 0) {
    return Apply(series, op, value);
  }
  const bool counter = shape_.type == MetricType::kCounter;
  const auto bucket = counter ? 0 : static_cast<uint32_t>(BucketOf(value));
  const int64_t unix_ms = exemplar.unix_ms != 0 ? exemplar.unix_ms : clock().UnixMillis();

  // The lock is held over the place and the count, and a removal forgets the exemplars under it
  // before it lets the series come back: an exemplar never outlives the count that it belongs to.
  std::lock_guard lock(exemplar_mutex_);
  ExemplarNode* kept = exemplars_.Place(series, bucket, exemplar.labels.size());
  if (kept == nullptr) {
    ExemplarDropped();
    return Apply(series, op, value);
  }
  series->flags_.fetch_or(Series::kHasExemplars, std::memory_order_relaxed);
  counter ? series->CounterAdd(value) : series->Observe(value);
  if ((series->route_.load(std::memory_order_acquire) & Series::kRemoved) != 0) {
    ForgetExemplarsLocked(series);
    return Status();
  }
  ExemplarStore::Write(kept, value, unix_ms, exemplar.labels);
  return Status();
}

void Family::ForgetExemplars(Series* series) {
  std::lock_guard lock(exemplar_mutex_);
  ForgetExemplarsLocked(series);
}

void Family::ForgetExemplarsLocked(Series* series) {
  exemplars_.Forget(series);
  series->flags_.fetch_and(static_cast<uint8_t>(~Series::kHasExemplars), std::memory_order_relaxed);
}

}  // namespace promplug
