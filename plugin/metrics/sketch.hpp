// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.hpp"

namespace promplug {

// Quantiles of a sliding window of observations: counts of logarithmic buckets, 64 to a power of
// two, so that a reported quantile lies within 1 % of the value of the exact one. Buckets add up,
// so that sketches of several processes can become one. Thread-safe under a short lock.
class Sketch {
 public:
  static constexpr int kSlices = 5;

  // The window moves on in steps of window / kSlices.
  Sketch(Duration window, TimePoint now);

  // NaN must not get here.
  void Observe(double value, TimePoint now);

  struct Totals {
    uint64_t count = 0;  // since the beginning, not of the window
    double sum = 0;
  };
  // Writes the value of each of quantiles[n] to values[n]; NaN where the window is empty.
  Totals Read(const double* quantiles, size_t n, double* values, TimePoint now);

  // As new.
  void Reset(TimePoint now);

 private:
  // One power of two of one sign: the counts of its 64 buckets.
  struct Page {
    uint64_t counts[64] = {};
  };
  // Pages in the order of the values they stand for.
  using Slice = std::map<int32_t, Page>;

  void MoveOn(TimePoint now);
  double ValueAt(uint64_t rank) const;

  const Duration slice_length_;
  std::mutex mutex_;
  // Guarded by mutex_.
  Slice slices_[kSlices];
  uint64_t slice_counts_[kSlices] = {};
  int current_ = 0;
  TimePoint current_ends_;
  Totals totals_;
};

}  // namespace promplug
