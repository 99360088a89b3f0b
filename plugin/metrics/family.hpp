// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "metrics/bounds.hpp"
#include "metrics/cpu_section_control.hpp"
#include "metrics/detached_stripes.hpp"
#include "metrics/exemplar_store.hpp"
#include "metrics/family_record.hpp"
#include "metrics/host_cells.hpp"
#include "metrics/label_frame.hpp"
#include "metrics/label_key.hpp"
#include "metrics/labels.hpp"
#include "metrics/metric_memory.hpp"
#include "metrics/native_buckets.hpp"
#include "metrics/point.hpp"
#include "metrics/read_sections.hpp"
#include "metrics/series.hpp"
#include "metrics/series_arena.hpp"
#include "metrics/series_table.hpp"
#include "metrics/shape.hpp"

namespace promplug {

class HotList;

// What all families of a registry share.
struct FamilyContext {
  void* owner = nullptr;
  const Clock* clock = nullptr;
  HotList* hot = nullptr;
  ReadSections* sections = nullptr;
  MetricMemory* memory = nullptr;
  uint64_t hash_seed = 0;
  uint32_t cpus = 1;
  CpuSectionControl cpu_section_control;
  DetachedStripes detached;
  std::atomic<uint32_t> default_max_series{100000};
  std::atomic<uint64_t> live_series{0};
  std::atomic<uint64_t> refused_series{0};
  std::atomic<uint64_t> ignored_updates{0};
  std::atomic<uint64_t> dropped_exemplars{0};
  std::atomic<uint64_t> expired_series{0};
  std::atomic<uint64_t> series_changes{0};  // series that came or went
  std::atomic<bool> native_due{false};      // for a family whose own native_due_ is set
};

// The numbers are those of PROMPLUG_OP_*.
enum class UpdateOp : int32_t { kAdd = 1, kSet = 2, kObserve = 3 };

// One family of instruments and its series. Thread-safe. Lives as long as its registry.
class Family {
 public:
  // `context` must outlive the family. Throws std::bad_alloc.
  Family(FamilyShape shape, FamilyContext* context);
  // In memory that other processes read everything stays as it is: it tells them what this process
  // has counted, until they have taken it over.
  ~Family();
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  const FamilyShape& shape() const { return shape_; }
  // What the registry was made with.
  void* owner() const { return context_->owner; }
  // Valid as long as the family.
  FamilyHead head() const;

  // The series of these label values, made if need be, and pinned: until Unpin() the pointer stays
  // good, whatever is removed. On failure *out is the family's sink, which counts for nothing and
  // takes any update. kInvalid: wrong number, or a value that is not UTF-8 or too long; kLimit:
  // max_series. Takes no lock where the series exists.
  Status FindOrMake(const std::string_view* values, size_t n, Series** out);
  void Unpin(Series* series);

  // Look-up and update in one; otherwise as FindOrMake. `exemplar` may be nullptr.
  Status Update(const std::string_view* values, size_t n, UpdateOp op, double value,
                const Exemplar* exemplar = nullptr);
  // The usual case of Update(), without an exemplar; value_at(i) gives each of the n values. False,
  // and nothing was counted: there is no such series yet, or the operation is not one of a counter,
  // gauge or histogram. In family_look_up.hpp. [hot]
  template <typename ValueAt>
  inline bool UpdatePresent(size_t n, const ValueAt& value_at, UpdateOp op, double value);
  // kInvalid: the operation does not fit the type.
  Status Apply(Series* series, UpdateOp op, double value);
  // The same, under a short lock, and keeps the exemplar: its labels, `value`, and its time (0:
  // now). One that is not good, on anything but an addition to a counter or an observation of a
  // histogram, or that there is no memory for, is dropped and counted; the update is made all the
  // same. Throws std::bad_alloc only before anything is counted.
  Status Apply(Series* series, UpdateOp op, double value, const Exemplar& exemplar);
  // For exemplars that do not get as far as Apply().
  void ExemplarDropped() { context_->dropped_exemplars.fetch_add(1, std::memory_order_relaxed); }

  // Takes the series out of the exposition. Its next update brings it back, from zero.
  void Remove(Series* series);
  // Removes all series that have every one of these labels; returns how many.
  uint64_t RemoveMatching(const Label* labels, size_t n);

  // A cell of the host's own that counts for this series; pins it. nullptr when memory is short.
  // REQUIRES: a counter
  uint64_t* AddHostCell(Series* series);
  // What the cell counted stays. kNotFound
  Status ReleaseHostCell(Series* series, const uint64_t* cell);

  // What stands in for a series that cannot be had: takes any update, is never exposed.
  Series* sink() const { return sink_; }

  // The series as they are while being read.
  std::unique_ptr<PointSource> Read();

  // Why FindOrMake() and Update() refuse: max_series; label values that are not good; no memory.
  enum class Refusal : uint8_t { kLimit, kLabels, kMemory };
  static constexpr size_t kRefusals = 3;
  uint64_t Refused(Refusal reason) const {
    return refused_[static_cast<size_t>(reason)].load(std::memory_order_relaxed);
  }
  // Of the first refusal for its labels, what was wrong with them. Takes a lock.
  std::string FirstLabelRefusal();
  uint64_t LiveSeries() const { return live_.load(std::memory_order_relaxed); }
  // The limit that holds at the moment.
  uint32_t MaxSeries() const;

  // For IdleSweep: the part of a sweep that looks at the next series of `walk`, at most `max`;
  // returns how many there were, fewer than that at the end. With `anew` all count as just used.
  // Info series have no updates and never expire. Locks for a batch of those that expire.
  SeriesArena::Walk BeginSweep() const { return arena_.Begin(); }
  size_t Sweep(SeriesArena::Walk* walk, size_t max, bool anew);

  // For Registry::Maintain(): spreads a hot series over CPUs.
  void Promote(Series* series);
  // For Registry::Maintain(): makes room in the native buckets of series that asked for it. May
  // take the time of a walk through the series; cheap when none did.
  void MaintainNative();
  // For Registry, around and after fork().
  void LockForFork() {
    mutex_.lock();
    exemplar_mutex_.lock();
  }
  void UnlockAfterFork() {
    exemplar_mutex_.unlock();
    mutex_.unlock();
  }
  void ResetValues();

 private:
  friend class Series;
  friend class FamilyReader;

  size_t words_per_cell() const { return words_per_cell_; }
  size_t WordsPerStripe() const {
    return shape_.type == MetricType::kHistogram ? Stripes::SumOf(shape_.buckets.size() + 1)
                                                 : words_per_cell_;
  }
  // Of the latest of several processes' gauges and statesets: the second word is when it was set.
  bool is_stamped() const {
    return memory().shared() && shape_.process_mode == ProcessMode::kLatest;
  }
  MetricMemory& memory() const { return *context_->memory; }
  size_t BucketOf(double v) const { return bounds_.BucketOf(v); }
  bool has_native() const { return shape_.native.max_buckets != 0; }
  // nullptr for the sink. REQUIRES: has_native()
  NativeBuckets* NativeOf(Series* series) const {
    return reinterpret_cast<NativeBuckets*>(NativeWord(series).load(std::memory_order_relaxed));
  }
  Word& NativeWord(Series* series) const { return series->cell()[words_per_cell_ - 1]; }
  // What the type_ of its series is.
  MetricType SeriesType() const;
  void ObserveNative(Series* series, double v);
  void FreeNative(Series* series);
  // At the end of the family.
  void DeleteSketch(Series* series);
  const Clock& clock() const { return *context_->clock; }
  HotList& hot() const { return *context_->hot; }
  // So many are exposed more than before; negative: fewer.
  void CountSeries(int n);
  void UpdateIgnored() { context_->ignored_updates.fetch_add(1, std::memory_order_relaxed); }

  // REQUIRES: n is frame_.values()
  LabelKey KeyOf(const std::string_view* values, size_t n) const;
  inline bool HasValues(const Series& series, const LabelKey& key) const;
  bool HasEscapedValues(const Series& series, const std::string_view* values) const;
  uint64_t HashOf(const Series& series) const;
  // nullptr, or the series, which may be one that is being taken out. REQUIRES: in a read section
  inline Series* Find(const LabelKey& key) const;
  Series* FindPinned(const LabelKey& key);
  Status FindOrMake(const LabelKey& key, Series** out);
  bool ApplyHot(Series* series, UpdateOp op, double value);
  Status Make(const LabelKey& key, Series** out);
  Status Refuse(Refusal reason, const std::string& text, Series** out);
  Status RenderValues(const LabelKey& key, std::string* out) const;
  bool KeepsExemplar(UpdateOp op, double value, const Exemplar& exemplar) const;
  void ForgetExemplars(Series* series);
  void ForgetExemplarsLocked(Series* series);
  // What a cell points to. False: memory is short.
  bool InitializeCell(Series* series);
  void ZeroCell(Series* series);
  // False: there was nothing to remove.
  bool RemoveLocked(Series* series);
  // The rest of a removal. REQUIRES: marked as removed and dead by the caller
  void TakeOutLocked(Series* series);
  bool GrowsTooOld(Series* series, bool anew);
  bool HostCellsMoved(Series* series);
  void ExpireLocked(Series* series);
  void MakeYoung(Series* series);
  void ReclaimLocked(Series* series);

  const FamilyShape shape_;
  const LabelFrame frame_;
  FamilyContext* const context_;
  const Bounds bounds_;
  const size_t words_per_cell_;
  const FamilyRecord::Owner record_;
  std::atomic<uint64_t> live_{0};
  std::array<std::atomic<uint64_t>, kRefusals> refused_{};
  std::atomic<bool> native_due_{false};

  // Serialises all changes of arena, table and host cells; never held by an update of a series.
  std::mutex mutex_;
  SeriesArena arena_;
  SeriesTable table_;
  HostCells host_cells_;
  std::string first_label_refusal_;  // guarded by mutex_
  Series* sink_;

  // Taken after mutex_, where both are.
  std::mutex exemplar_mutex_;
  ExemplarStore exemplars_;  // guarded by exemplar_mutex_
};

}  // namespace promplug
