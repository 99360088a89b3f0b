// SPDX-License-Identifier: MIT
// How series of a family go: removal, reuse of their memory, spreading over CPUs, host cells.
#include <vector>

#include "metrics/family.hpp"
#include "metrics/sketch.hpp"

namespace promplug {

void Family::ZeroCell(Series* series) {
  if (shape_.type == MetricType::kSummary) {
    reinterpret_cast<Sketch*>(series->cell()->load(std::memory_order_relaxed))
        ->Reset(clock().Now());
    return;
  }
  const size_t words = words_per_cell_ - (has_native() ? 1 : 0);
  const auto zero = [](Word* word, size_t n) {
    for (size_t i = 0; i < n; ++i) word[i].store(0, std::memory_order_relaxed);
  };
  if (has_native()) NativeOf(series)->Zero();
  zero(series->cell(), words);
  const uintptr_t route = series->route_.load(std::memory_order_acquire);
  Stripes* stripes = Stripes::Of(route);
  if (stripes == nullptr) return;
  if (Stripes::IsExclusive(route)) {
    // A thread may be about to write what it has added to a value of before: that stays there. It
    // has found the route as it was, so its update is one from before.
    series->route_.fetch_and(Series::kMarks, std::memory_order_acq_rel);
    context_->detached.Add(stripes);
  } else {
    for (uint32_t i = 0; i < stripes->count(); ++i) zero(stripes->Cell(i), WordsPerStripe());
  }
}

bool Family::RemoveLocked(Series* series) {
  if ((series->route_.load(std::memory_order_acquire) & Series::kRemoved) != 0) {
    // What cells of the host have counted since would bring it back.
    const bool counted = host_cells_.Sum(series) != 0;
    host_cells_.Rebase(series);
    return counted;
  }
  // Dead until the cell is empty, so that no update brings it back half emptied: one that comes in
  // between lands in the cell, in this life or the next, and look-ups wait for the lock.
  series->route_.fetch_or(Series::kRemoved | Series::kDead, std::memory_order_seq_cst);
  host_cells_.Rebase(series);
  TakeOutLocked(series);
  return true;
}

void Family::TakeOutLocked(Series* series) {
  CountSeries(-1);
  ZeroCell(series);
  ForgetExemplars(series);
  series->route_.fetch_and(~Series::kDead, std::memory_order_seq_cst);
  ReclaimLocked(series);
}

void Family::ReclaimLocked(Series* series) {
  if (series->pins_.load(std::memory_order_seq_cst) != 0) return;
  uintptr_t route = series->route_.load(std::memory_order_seq_cst);
  if ((route & (Series::kRemoved | Series::kDead)) != Series::kRemoved) return;
  if (!series->route_.compare_exchange_strong(route, route | Series::kDead,
                                              std::memory_order_seq_cst)) {
    return;
  }
  if (series->pins_.load(std::memory_order_seq_cst) != 0) {
    // Pinned in between, by a look-up that either sees the mark and asks under the lock, or did
    // not see it and holds the series: it stays.
    series->route_.fetch_and(~Series::kDead, std::memory_order_seq_cst);
    return;
  }
  table_.Erase(HashOf(*series), series);
  context_->sections->Retire([this, series] {
    Stripes::Free(Stripes::Of(series->route_.load(std::memory_order_relaxed)), memory());
    FreeNative(series);
    if (shape_.type == MetricType::kSummary) {
      delete reinterpret_cast<Sketch*>(series->cell()->load(std::memory_order_relaxed));
      series->cell()[0].store(0, std::memory_order_relaxed);
      series->cell()[1].store(0, std::memory_order_relaxed);
    }
    series->route_.store(Series::kRemoved | Series::kDead, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    arena_.Free(series);
  });
}

void Family::Unpin(Series* series) {
  if ((series->flags_.load(std::memory_order_relaxed) & Series::kDiscard) != 0) return;
  if (series->pins_.fetch_sub(1, std::memory_order_seq_cst) != 1) return;
  // The block may already belong to another series of this family; then this looks at that one,
  // which does no harm: it is taken out only where it is removed and without pins itself.
  if ((series->route_.load(std::memory_order_seq_cst) & Series::kRemoved) == 0) return;
  std::lock_guard lock(mutex_);
  ReclaimLocked(series);
}

void Family::Remove(Series* series) {
  if ((series->flags_.load(std::memory_order_relaxed) & Series::kDiscard) != 0) return;
  std::lock_guard lock(mutex_);
  RemoveLocked(series);
}

uint64_t Family::RemoveMatching(const Label* labels, size_t n) {
  const auto has = [](const Series& series, const Label& wanted) {
    std::string plain;
    std::string name;
    AppendEscapedLabelValue(&name, wanted.name);
    for (LabelReader reader(series.labels()); reader.Next();) {
      if (reader.escaped_name() != name) continue;
      AppendUnescapedLabelValue(&plain, reader.escaped_value());
      return plain == wanted.value;
    }
    return wanted.value.empty();
  };
  uint64_t removed = 0;
  std::lock_guard lock(mutex_);
  SeriesArena::Walk walk = arena_.Begin();
  while (Series* series = walk.Next()) {
    if ((series->route_.load(std::memory_order_acquire) & Series::kDead) != 0) continue;
    bool matches = true;
    for (size_t i = 0; i < n && matches; ++i) matches = has(*series, labels[i]);
    if (matches && RemoveLocked(series)) ++removed;
  }
  return removed;
}

uint64_t* Family::AddHostCell(Series* series) {
  std::lock_guard lock(mutex_);
  uint64_t* cell = host_cells_.Add(series);
  if (cell == nullptr) return nullptr;
  series->pins_.fetch_add(1, std::memory_order_seq_cst);
  series->flags_.fetch_or(Series::kHasHostCells, std::memory_order_relaxed);
  return cell;
}

Status Family::ReleaseHostCell(Series* series, const uint64_t* cell) {
  {
    std::lock_guard lock(mutex_);
    record_->host_cell_moves.fetch_add(1, std::memory_order_acq_rel);
    uint64_t counted = 0;
    const bool known = host_cells_.Release(series, cell, &counted);
    if (counted > 0) series->ActiveCell()->fetch_add(counted, std::memory_order_relaxed);
    record_->host_cell_moves.fetch_add(1, std::memory_order_release);
    if (!known) return Status(Code::kNotFound, "no such cell of this series");
    if (!host_cells_.Any(series)) {
      series->flags_.fetch_and(static_cast<uint8_t>(~Series::kHasHostCells),
                               std::memory_order_release);
    }
  }
  Unpin(series);
  return Status();
}

void Family::Promote(Series* series) {
  if (shape_.type != MetricType::kCounter && shape_.type != MetricType::kHistogram) return;
  if ((series->flags_.load(std::memory_order_relaxed) & Series::kDiscard) != 0) return;
  if (series->route_.load(std::memory_order_relaxed) != 0) return;
  const bool exclusive =
      context_->cpus <= Stripes::kMaxExclusive && context_->cpu_section_control.Usable();
  Stripes* stripes = Stripes::Make(WordsPerStripe(), context_->cpus, exclusive, memory());
  if (stripes == nullptr) return;
  uintptr_t plain = 0;
  if (!series->route_.compare_exchange_strong(plain, stripes->route(), std::memory_order_acq_rel)) {
    Stripes::Free(stripes, memory());
  }
}

void Family::ResetValues() {
  std::lock_guard lock(mutex_);
  if (!InitializeCell(sink_)) throw std::bad_alloc();
  for (std::atomic<uint64_t>& refused : refused_) refused.store(0, std::memory_order_relaxed);
  {
    std::lock_guard exemplar_lock(exemplar_mutex_);
    exemplars_.ForgetAll();
  }
  SeriesArena::Walk walk = arena_.Begin();
  while (Series* series = walk.Next()) {
    if ((series->route_.load(std::memory_order_relaxed) & Series::kDead) != 0) continue;
    // A thread that does not exist here may have been inside a sketch: it is left alone.
    if (shape_.type == MetricType::kSummary) {
      if (!InitializeCell(series)) throw std::bad_alloc();
    } else {
      ZeroCell(series);
    }
    host_cells_.Rebase(series);
    series->created_ms_.store(clock().UnixMillis(), std::memory_order_relaxed);
  }
}

}  // namespace promplug
