// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "metrics/metric_memory.hpp"
#include "metrics/native_scale.hpp"

namespace promplug {

// The counts of the native buckets of one series that are not empty, in one flat block without
// pointers: open addressing, with twice as many places as the limit of buckets or more. A bucket is
// known by side, level and index, and takes a place at its first observation for good.
//
// When it holds more buckets than the limit, what comes goes into coarser ones, and again each time
// when half of the places that were left are taken. What was counted stays where it is; a reader
// puts all of it together at the coarsest level that it finds. So a table is hardly ever full, and
// no update waits for anybody. The one update that finds the limit passed looks once through the
// table, some microseconds, for the level that will do: that where the buckets so far are well
// below the limit, because in a burst of observations more of them are to come.
class NativeTable {
 public:
  enum class Added { kCounted, kCoarsened, kFull };

  // All zero. nullptr when memory is short. Freed by Free(), with the same memory.
  static NativeTable* Make(uint32_t max_buckets, uint32_t level, MetricMemory& memory);
  static void Free(NativeTable* table, MetricMemory& memory);

  // Counts one observation of the bucket of this index at level 0. kCoarsened: it was counted, and
  // the level was changed. kFull: it was not counted. [hot]
  Added Add(bool negative, int32_t finest_index) {
    const uint32_t level = state_.load(std::memory_order_relaxed) & kLevelMask;
    const uint32_t key = KeyOf(negative, level, CoarserIndex(finest_index, level));
    uint32_t place = (key * 0x9E3779B1u) >> shift_;
    for (uint32_t tried = 0; tried <= mask_; ++tried, place = (place + 1) & mask_) {
      uint32_t found = keys()[place].load(std::memory_order_relaxed);
      if (found == key) [[likely]] {
        counts()[place].fetch_add(1, std::memory_order_relaxed);
        return Added::kCounted;
      }
      if (found != kNoKey) continue;
      if (keys()[place].compare_exchange_strong(found, key, std::memory_order_relaxed)) {
        counts()[place].fetch_add(1, std::memory_order_relaxed);
        return PlaceTaken() ? Added::kCoarsened : Added::kCounted;
      }
      if (found == key) {
        counts()[place].fetch_add(1, std::memory_order_relaxed);
        return Added::kCounted;
      }
    }
    return Added::kFull;
  }

  // Calls use(negative, level, index, count) for each bucket that is not empty.
  template <typename Use>
  void ForEach(const Use& use) const {
    ForEachOf(mask_ + 1, use);
  }
  // The same for a reader that has made sure that so many places are there. Keys that no number has
  // are left out.
  template <typename Use>
  void ForEachOf(uint32_t places, const Use& use) const {
    const std::atomic<uint32_t>* keys = KeysOf(places);
    for (uint32_t place = 0; place < places; ++place) {
      const uint32_t key = keys[place].load(std::memory_order_relaxed);
      if (key == kNoKey) continue;
      const uint64_t count = counts()[place].load(std::memory_order_relaxed);
      if (count == 0) continue;
      const uint32_t level = key >> kLevelShift & kLevelMask;
      const int32_t index = static_cast<int32_t>(key & kIndexMask) - kIndexBias;
      if (level > kCoarsestLevel || !IsIndexOfNumber(level, index)) continue;
      use((key & kNegative) != 0, level, index, count);
    }
  }

  uint32_t places() const { return mask_ + 1; }
  // What a table of so many places takes, or beyond what any has: SIZE_MAX.
  static size_t BytesOf(uint32_t places) {
    if (!std::has_single_bit(places) || places > kMostPlaces) return SIZE_MAX;
    return sizeof(NativeTable) +
           places * (sizeof(std::atomic<uint64_t>) + sizeof(std::atomic<uint32_t>));
  }

  // The level of what comes next.
  uint32_t level() const { return state_.load(std::memory_order_relaxed) & kLevelMask; }
  // Whether it has coarsened: a fresh table would hold what comes with more places free.
  bool coarsened() const { return level() != first_level_; }

  // Sets all counts back. What others add meanwhile may stay.
  void Zero();

 private:
  static constexpr uint32_t kMostPlaces = 2 * kMostNativeBuckets;
  static constexpr uint32_t kNoKey = 0;
  // A key: taken, side, level, index.
  static constexpr uint32_t kTaken = 1u << 31;
  static constexpr uint32_t kNegative = 1u << 30;
  static constexpr uint32_t kLevelShift = 24;
  static constexpr uint32_t kLevelMask = 0xf;
  static constexpr int32_t kIndexBias = 1 << 20;
  static constexpr uint32_t kIndexMask = (1u << kLevelShift) - 1;
  // state_: level, and above it at how many places the next one comes.
  static constexpr uint32_t kStepShift = 4;
  static constexpr uint32_t kNoStep = 0xffffffffu >> kStepShift;

  NativeTable(uint32_t places, uint32_t max_buckets, uint32_t level)
      : mask_(places - 1),
        shift_(32 - static_cast<uint32_t>(std::countr_zero(places))),
        first_level_(level),
        state_(StateOf(max_buckets + 1, level)),
        max_buckets_(max_buckets) {}

  static uint32_t KeyOf(bool negative, uint32_t level, int32_t index) {
    return kTaken | (negative ? kNegative : 0) | level << kLevelShift |
           static_cast<uint32_t>(index + kIndexBias);
  }
  static uint32_t StateOf(uint32_t step, uint32_t level) {
    return (level == kCoarsestLevel ? kNoStep : step) << kStepShift | level;
  }
  bool PlaceTaken();
  uint32_t NextLevel(uint32_t level) const;
  uint32_t BucketsAt(uint32_t level) const;

  // Behind the header: the counts, then the keys.
  std::atomic<uint64_t>* counts() { return reinterpret_cast<std::atomic<uint64_t>*>(this + 1); }
  const std::atomic<uint64_t>* counts() const {
    return reinterpret_cast<const std::atomic<uint64_t>*>(this + 1);
  }
  std::atomic<uint32_t>* keys() {
    return reinterpret_cast<std::atomic<uint32_t>*>(counts() + mask_ + 1);
  }
  const std::atomic<uint32_t>* KeysOf(uint32_t places) const {
    return reinterpret_cast<const std::atomic<uint32_t>*>(counts() + places);
  }

  const uint32_t mask_;
  const uint32_t shift_;
  const uint32_t first_level_;
  std::atomic<uint32_t> state_;
  std::atomic<uint32_t> taken_{0};
  const uint32_t max_buckets_;
};

static_assert(sizeof(NativeTable) % sizeof(uint64_t) == 0);

}  // namespace promplug
