// SPDX-License-Identifier: MIT
// How series of a family expire; when they do is decided by IdleSweep.
#include <algorithm>
#include <array>

#include "metrics/family.hpp"

namespace promplug {
namespace {

// So many series are looked at in one read section, and so many expire at most under one lock.
constexpr size_t kBatch = 256;

}  // namespace

size_t Family::Sweep(SeriesArena::Walk* walk, size_t max, bool anew) {
  // Nothing ever updates them.
  if (shape_.type == MetricType::kInfo) return 0;
  std::array<Series*, kBatch> idle;
  size_t looked_at = 0;
  while (looked_at < max) {
    const ReadSections::Guard section = context_->sections->Enter();
    const size_t end = std::min(looked_at + kBatch, max);
    size_t n_idle = 0;
    Series* series = nullptr;
    while (looked_at < end && (series = walk->Next()) != nullptr) {
      ++looked_at;
      if (GrowsTooOld(series, anew)) idle[n_idle++] = series;
    }
    if (n_idle > 0) {
      std::lock_guard lock(mutex_);
      for (size_t i = 0; i < n_idle; ++i) ExpireLocked(idle[i]);
    }
    if (looked_at < end) break;
  }
  return looked_at;
}

bool Family::GrowsTooOld(Series* series, bool anew) {
  uintptr_t route = series->route_.load(std::memory_order_acquire);
  if ((route & Series::kRemoved) != 0) return false;
  const bool host_counted = HostCellsMoved(series);
  if ((route & Series::kIdle) == 0 || host_counted || anew) {
    MakeYoung(series);
    // Where it fails something has just happened to the series: the next sweep sees.
    series->route_.compare_exchange_strong(route, route | Series::kIdle, std::memory_order_relaxed);
    return false;
  }
  if ((series->flags_.load(std::memory_order_relaxed) & Series::kAge) == Series::kAge) return true;
  series->flags_.fetch_add(Series::kOneSweep, std::memory_order_relaxed);
  return false;
}

void Family::MakeYoung(Series* series) {
  series->flags_.fetch_and(static_cast<uint8_t>(~Series::kAge), std::memory_order_relaxed);
}

bool Family::HostCellsMoved(Series* series) {
  if ((series->flags_.load(std::memory_order_relaxed) & Series::kHasHostCells) == 0) return false;
  std::lock_guard lock(mutex_);
  return host_cells_.Moved(series);
}

void Family::ExpireLocked(Series* series) {
  uintptr_t route = series->route_.load(std::memory_order_acquire);
  if ((route & (Series::kRemoved | Series::kIdle)) != Series::kIdle) return;
  if (host_cells_.Moved(series)) return MakeYoung(series);
  // Fails where an update has just taken the mark away.
  if (!series->route_.compare_exchange_strong(route, route | Series::kRemoved | Series::kDead,
                                              std::memory_order_seq_cst)) {
    return;
  }
  // What the host counted since the look above is not lost: it brings the series back.
  host_cells_.RebaseToSeen(series);
  context_->expired_series.fetch_add(1, std::memory_order_relaxed);
  TakeOutLocked(series);
}

}  // namespace promplug
