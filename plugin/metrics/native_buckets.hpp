// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "metrics/native_table.hpp"

namespace promplug {

// What a family's native buckets are like.
struct NativeShape {
  uint32_t max_buckets = 0;  // of one series, the zero bucket not counted; 0: no native buckets
  uint32_t level = 0;        // see native_scale.hpp
  double zero_threshold = 0;

  bool operator==(const NativeShape&) const = default;
};

// The native buckets of one series: what counts as zero, tables, and counts at the coarsest level,
// which need no place, for what comes when a table is full. The first table is made with the
// series. Maintain() puts a fresh, coarser one in front of a table that has coarsened; the others
// stay for those who are still writing there, and because their counts are part of the whole.
// Thread-safe but for what says otherwise.
class NativeBuckets {
 public:
  // nullptr when memory is short. Freed by Free().
  static NativeBuckets* Make(const NativeShape& shape, MetricMemory& memory);
  // REQUIRES: nobody else uses it.
  static void Free(NativeBuckets* buckets);
  NativeBuckets(const NativeBuckets&) = delete;
  NativeBuckets& operator=(const NativeBuckets&) = delete;

  // REQUIRES: v is not NaN. True: Maintain() should be called before long. [hot]
  bool Observe(double v) {
    const double magnitude = v < 0 ? -v : v;
    if (magnitude <= zero_threshold_) {
      counts_.zero.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    const int32_t index = FinestIndex(magnitude);
    const NativeTable::Added added = front_.load(std::memory_order_acquire)->Add(v < 0, index);
    if (added == NativeTable::Added::kFull) [[unlikely]]
      AddCoarsest(v < 0, index);
    return added == NativeTable::Added::kCoarsened;
  }

  uint64_t zero_count() const { return counts_.zero.load(std::memory_order_relaxed); }
  // Calls use(negative, level, index, count) for each part of a bucket that is not empty.
  template <typename Use>
  void ForEach(const Use& use) const {
    const uint32_t n = n_tables_.load(std::memory_order_acquire);
    for (uint32_t i = 0; i < n; ++i) tables_[i]->ForEach(use);
    ForEachCoarsest(use);
  }
  // The same in a segment of another process, where `foreign` finds what pointers point to.
  template <typename Foreign, typename Use>
  void ForEachIn(Foreign& foreign, const Use& use) const {
    const uint32_t n = std::min(n_tables_.load(std::memory_order_acquire), kMaxTables);
    for (uint32_t i = 0; i < n; ++i) {
      const NativeTable* head = foreign.At(tables_[i]);
      if (head == nullptr) continue;
      const uint32_t places = head->places();
      const NativeTable* table = foreign.At(tables_[i], NativeTable::BytesOf(places));
      if (table != nullptr) table->ForEachOf(places, use);
    }
    ForEachCoarsest(use);
  }

  // False: memory is short; try again later. One thread at a time.
  bool Maintain();

  // Everything counts from zero; levels stay. What others add meanwhile may stay.
  void Zero();

 private:
  NativeBuckets(const NativeShape& shape, NativeTable* first, MetricMemory& memory)
      : memory_(memory),
        zero_threshold_(shape.zero_threshold),
        max_buckets_(shape.max_buckets),
        front_(first),
        tables_{first} {}

  template <typename Use>
  void ForEachCoarsest(const Use& use) const {
    if (!counts_.any_coarsest.load(std::memory_order_relaxed)) return;
    for (int side = 0; side < 2; ++side) {
      for (int32_t i = 0; i < kCoarsestIndices; ++i) {
        const uint64_t count = counts_.coarsest[side][i].load(std::memory_order_relaxed);
        if (count != 0) use(side == 1, kCoarsestLevel, i + kLowestCoarsest, count);
      }
    }
  }

  static constexpr int32_t kCoarsestIndices = kHighestCoarsest - kLowestCoarsest + 1;
  // Each table begins at a coarser level than the one before.
  static constexpr uint32_t kMaxTables = kCoarsestLevel + 1;

  // A flat block, like the tables.
  struct Counts {
    std::atomic<uint64_t> zero{0};
    std::atomic<uint64_t> any_coarsest{0};
    std::atomic<uint64_t> coarsest[2][kCoarsestIndices] = {};
  };

  void AddCoarsest(bool negative, int32_t finest_index);

  MetricMemory& memory_;
  const double zero_threshold_;
  const uint32_t max_buckets_;
  std::atomic<uint32_t> n_tables_{1};
  std::atomic<NativeTable*> front_;
  NativeTable* tables_[kMaxTables] = {};  // written before n_tables_ counts them
  Counts counts_;
};

}  // namespace promplug
