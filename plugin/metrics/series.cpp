// SPDX-License-Identifier: MIT
#include "metrics/series.hpp"

#include <cmath>

#include "metrics/family.hpp"
#include "metrics/hot_list.hpp"
#include "metrics/sketch.hpp"

namespace promplug {

const char* Series::label_text() const {
  return reinterpret_cast<const char*>(cell() + family_->words_per_cell());
}

void Series::AddOneAnywhere() { AddOne(ActiveCell()); }

void Series::SetAnywhere(double v) {
  ActiveCell()->store(std::bit_cast<uint64_t>(v), std::memory_order_relaxed);
}

void Series::CounterAdd(double v) {
  if (type_ != MetricType::kCounter) [[unlikely]]
    return Ignore();
  const uintptr_t route = route_.load(std::memory_order_acquire);
  constexpr uint64_t kWholeLimit = uint64_t{1} << 53;  // doubles below it count by ones
  const auto whole = static_cast<int64_t>(v);
  if (static_cast<double>(whole) == v && static_cast<uint64_t>(whole) < kWholeLimit) [[likely]] {
    const auto n = static_cast<uint64_t>(whole);
    if (route == 0) [[likely]]
      return AddMany(cell(), n);
    if (!AddSpread<0>(route, n)) AddMany(ActiveCell(), n);
    return;
  }
  // Also false for NaN.
  if (!(v >= 0)) return Ignore();
  if (!AddSpread<1>(route, v)) AddFraction(ActiveCell() + 1, v);
}

void Series::Observe(double v) {
  if (v != v) [[unlikely]]
    return Ignore();
  if (type_ != MetricType::kHistogram) [[unlikely]]
    return ObserveOther(v);
  ObserveClassic(v);
}

// The count comes last, so that nothing has to be kept over the report that it may make.
inline void Series::ObserveClassic(double v) {
  const uintptr_t route = route_.load(std::memory_order_acquire);
  const size_t bucket = family_->BucketOf(v);
  if (route == 0) [[likely]] {
    AddDouble(cell(), v);
    return AddOne(cell() + 1 + bucket);
  }
  if (!Stripes::IsOpenExclusive(route) ||
      !CpuSection::AddAndCount(route_, route, Stripes::SumOf(bucket), v)) {
    ObserveAnywhere(bucket, v);
  }
}

void Series::ObserveAnywhere(size_t bucket, double v) {
  Word* const active = ActiveCell();
  const bool own = active == cell();
  AddDouble(active + (own ? 0 : Stripes::SumOf(bucket)), v);
  AddOne(active + (own ? 1 + bucket : Stripes::CountOf(bucket)));
}

void Series::ObserveOther(double v) {
  if (type_ == kNativeHistogram) {
    // Brings the series back before anything is counted.
    ActiveCell();
    family_->ObserveNative(this, v);
    ObserveClassic(v);
  } else if (type_ == MetricType::kSummary) {
    reinterpret_cast<Sketch*>(ActiveCell()->load(std::memory_order_relaxed))
        ->Observe(v, family_->clock().Now());
  } else {
    Ignore();
  }
}

void Series::StateSet(uint32_t state, bool on) {
  if (type_ != MetricType::kStateset || state >= family_->shape().states.size()) return Ignore();
  const uint64_t bit = uint64_t{1} << state;
  Word* cell = ActiveCell();
  if (on) {
    cell->fetch_or(bit, std::memory_order_relaxed);
  } else {
    cell->fetch_and(~bit, std::memory_order_relaxed);
  }
  if (family_->is_stamped()) Stamp(cell);
}

void Series::SetStamped(double v) {
  if (type_ != kStampedGauge) return Ignore();
  Word* cell = ActiveCell();
  cell->store(std::bit_cast<uint64_t>(v), std::memory_order_relaxed);
  Stamp(cell);
}

void Series::AddStamped(double v) {
  if (type_ != kStampedGauge) return Ignore();
  Word* cell = ActiveCell();
  AddDouble(cell, v);
  Stamp(cell);
}

void Series::Stamp(Word* cell) {
  cell[1].store(static_cast<uint64_t>(family_->clock().CoarseUnixNanos()),
                std::memory_order_relaxed);
}

Word* Series::Wake() {
  uintptr_t route = route_.load(std::memory_order_acquire);
  while ((route & (kRemoved | kIdle)) != 0) {
    // While the series is being taken out of the table nobody brings it back; what is written then
    // stays in the cell. It cannot be lost by a pinned handle, whose pin ends the taking out.
    if ((route & kDead) != 0) return cell();
    const bool removed = (route & kRemoved) != 0;
    if (removed) {
      created_ms_.store(family_->clock().UnixMillis(), std::memory_order_relaxed);
      // Before it is back: a removal right behind that counts it down again.
      family_->CountSeries(1);
    }
    const uintptr_t awake = route & ~(kRemoved | kIdle);
    if (route_.compare_exchange_weak(route, awake, std::memory_order_acq_rel)) {
      route = awake;
    } else if (removed) {
      family_->CountSeries(-1);
    }
  }
  return route == 0 ? cell() : SpreadCell(route);
}

void Series::ReportHot() { family_->hot().Report(this); }

void Series::Ignore() { family_->UpdateIgnored(); }

}  // namespace promplug
