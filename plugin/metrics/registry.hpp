// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "metrics/family.hpp"
#include "metrics/hot_list.hpp"
#include "metrics/idle_sweep.hpp"
#include "metrics/read_sections.hpp"

namespace promplug {

// The families of instruments, by name. Thread-safe.
class Registry {
 public:
  // `clock`, and `memory`, where all values live, must outlive the registry. `owner` is what
  // Family::owner() gives.
  explicit Registry(const Clock& clock, void* owner = nullptr,
                    MetricMemory& memory = MetricMemory::Heap());
  // REQUIRES: nobody reads or updates any more.
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The family of that name, made if need be; it lives as long as the registry. kInvalid: the
  // description is not valid. kExists: the name has another shape, or one of its sample names is
  // taken.
  Result<Family*> FindOrMake(const FamilyDescription& description);

  // Sorted by name.
  std::vector<Family*> Families() const;

  // The limit for families that name none; concerns new series only.
  void SetDefaultMaxSeries(uint32_t max_series);

  // Series that are not updated for so long expire: they go as by Family::Remove(). Zero: never.
  void SetSeriesExpiry(Duration expiry) { idle_sweep_.SetExpiry(expiry); }

  // Spreads hot cells over CPUs, lets idle series expire, gives back the memory of removed ones and
  // makes room for native buckets. One thread at a time, a few times a second; cheap when there is
  // nothing to do.
  void Maintain();

  // Before fork(), so that no other thread is in the middle of a change; afterwards, in parent and
  // child, UnlockAfterFork() on the same thread.
  void LockForFork();
  void UnlockAfterFork();
  // In a fork child, where no other thread lives: every value starts again from zero.
  void ResetValues();

  uint64_t LiveSeries() const { return context_.live_series.load(std::memory_order_relaxed); }
  uint64_t RefusedSeries() const { return context_.refused_series.load(std::memory_order_acquire); }
  uint64_t IgnoredUpdates() const {
    return context_.ignored_updates.load(std::memory_order_relaxed);
  }
  uint64_t ExpiredSeries() const { return context_.expired_series.load(std::memory_order_relaxed); }
  // Grows whenever a series comes or goes.
  uint64_t SeriesChanges() const { return context_.series_changes.load(std::memory_order_relaxed); }
  uint64_t DroppedExemplars() const {
    return context_.dropped_exemplars.load(std::memory_order_relaxed);
  }

 private:
  HotList hot_;
  // Reported by the last Maintain(): what is reported again is hot. Used by Maintain() alone.
  std::vector<Series*> warm_;
  IdleSweep idle_sweep_;
  ReadSections sections_;
  FamilyContext context_;
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;
  std::map<std::string, Family*, std::less<>> sample_names_;
};

}  // namespace promplug
