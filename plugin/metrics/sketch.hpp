// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.hpp"
#include "metrics/metric_memory.hpp"
#include "metrics/sketch_pages.hpp"

namespace promplug {

// Quantiles of a sliding window of observations: counts of logarithmic buckets
// (metrics/sketch_scale.hpp), so that a reported quantile lies within 1 % of the value of the exact
// one. Buckets add up, so that sketches of several processes can become one. Thread-safe under a
// short lock.
class Sketch {
 public:
  // The window moves on in steps of a fifth of it. nullptr when memory is short. Freed by delete.
  // `memory` must outlive it.
  static Sketch* Make(Duration window, TimePoint now, MetricMemory& memory);
  ~Sketch();
  Sketch(const Sketch&) = delete;
  Sketch& operator=(const Sketch&) = delete;

  // What there is no memory for without waiting (MetricMemory::TryAllocate()) is in the totals
  // alone, and misses in the window. NaN must not get here.
  void Observe(double value, TimePoint now);

  struct Totals {
    uint64_t count = 0;  // since the beginning, not of the window
    double sum = 0;
  };
  // Writes the value of each of quantiles[n] to values[n]; NaN where the window is empty.
  Totals Read(const double* quantiles, size_t n, double* values, TimePoint now);

  // As new.
  void Reset(TimePoint now);

  // What it has counted stays in the memory when this goes. Nothing but delete may follow.
  void KeepPages() { pages_ = nullptr; }

  // What it has counted, in the memory that it was made with.
  const SketchPages* pages() const { return pages_; }

 private:
  Sketch(SketchPages* pages, MetricMemory& memory) : memory_(memory), pages_(pages) {}

  void MoveOn(TimePoint now);
  void Clear(uint32_t slice);
  SketchPage* PageFor(int64_t number);
  SketchPage* NewPage(int64_t number);

  MetricMemory& memory_;
  std::mutex mutex_;
  // Written with mutex_ held.
  SketchPages* pages_;
  SketchPage* free_ = nullptr;  // pages of slices that have gone
};

}  // namespace promplug
