// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "base/clock.hpp"
#include "metrics/sketch_scale.hpp"

namespace promplug {

// The counts of the buckets of one power of two of one sign.
struct SketchPage {
  static constexpr uint32_t kBuckets = 1u << kSketchBucketBits;

  std::atomic<SketchPage*> next{nullptr};
  std::atomic<int64_t> number{0};
  std::atomic<uint64_t> counts[kBuckets] = {};

  static int64_t NumberOf(int64_t bucket) { return bucket >> kSketchBucketBits; }
};

// What a Sketch has counted, in its MetricMemory: written by one thread at a time, read by this and
// other processes without a lock. A reader that finds `version` odd or changed has seen a half-made
// change.
struct SketchPages {
  static constexpr uint32_t kSlices = 5;

  std::atomic<uint64_t> version{0};
  std::atomic<uint64_t> count{0};     // since the beginning, not of the window
  std::atomic<uint64_t> sum_bits{0};  // likewise; of a double
  std::atomic<int64_t> slice_nanoseconds{0};
  // Of the monotonic clock, which is the same in all processes of a machine.
  std::atomic<int64_t> current_ends{0};
  std::atomic<uint32_t> current{0};
  // Each ascending by number.
  std::atomic<SketchPage*> slices[kSlices] = {};

  // How many of the slices are too old at `now`.
  uint32_t Expired(int64_t now) const {
    int64_t late = 0;
    const int64_t length = slice_nanoseconds.load(std::memory_order_relaxed);
    if (__builtin_sub_overflow(now, current_ends.load(std::memory_order_relaxed), &late) ||
        late < 0 || length <= 0) {
      return 0;
    }
    return late / length >= kSlices ? kSlices : static_cast<uint32_t>(late / length) + 1;
  }
  bool InWindow(uint32_t slice, uint32_t expired) const {
    const uint32_t age = (current.load(std::memory_order_relaxed) + kSlices - slice) % kSlices;
    return age + expired < kSlices;
  }

  // Calls use(bucket, count) for each bucket of the window that is not empty, ascending, all slices
  // together. `foreign` finds what a pointer points to; a page that it does not find ends its
  // slice, as do numbers that do not ascend, or that no value has.
  template <typename Foreign, typename Use>
  void ForEach(Foreign& foreign, TimePoint now, const Use& use) const {
    const uint32_t expired = Expired(now.time_since_epoch().count());
    const SketchPage* at[kSlices] = {};
    for (uint32_t i = 0; i < kSlices; ++i) {
      if (InWindow(i, expired)) at[i] = foreign.At(slices[i].load(std::memory_order_acquire));
    }
    int64_t last = SketchPage::NumberOf(kLowestSketchBucket) - 1;
    for (;;) {
      int64_t number = std::numeric_limits<int64_t>::max();
      for (const SketchPage*& page : at) {
        if (page == nullptr) continue;
        const int64_t own = page->number.load(std::memory_order_relaxed);
        if (own <= last || own > SketchPage::NumberOf(kHighestSketchBucket)) {
          page = nullptr;
        } else if (own < number) {
          number = own;
        }
      }
      if (number == std::numeric_limits<int64_t>::max()) return;
      UseNumber(foreign, at, number, use);
      last = number;
    }
  }

 private:
  // Takes the pages of that number and goes on behind them.
  template <typename Foreign, typename Use>
  static void UseNumber(Foreign& foreign, const SketchPage* (&at)[kSlices], int64_t number,
                        const Use& use) {
    uint64_t sums[SketchPage::kBuckets] = {};
    for (const SketchPage*& page : at) {
      if (page == nullptr || page->number.load(std::memory_order_relaxed) != number) continue;
      for (uint32_t b = 0; b < SketchPage::kBuckets; ++b) {
        sums[b] += page->counts[b].load(std::memory_order_relaxed);
      }
      page = foreign.At(page->next.load(std::memory_order_acquire));
    }
    for (uint32_t b = 0; b < SketchPage::kBuckets; ++b) {
      const int64_t bucket = number * SketchPage::kBuckets + b;
      if (sums[b] == 0 || bucket < kLowestSketchBucket || bucket > kHighestSketchBucket) continue;
      use(bucket, sums[b]);
    }
  }
};

}  // namespace promplug
