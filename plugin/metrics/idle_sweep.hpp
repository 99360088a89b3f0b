// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <vector>

#include "base/clock.hpp"
#include "metrics/series_arena.hpp"

namespace promplug {

class Family;

// Decides when series have been idle for so long that they expire: a clock with second chances. A
// sweep over all series comes every quarter of the expiry and marks each of them; an update takes
// the mark away; a series that still has it at the fourth sweep after that which set it expires.
// So a series goes when it was idle for the expiry at least, and 1.25 times that at most, plus what
// the sweeps take: kSeriesPerRun at each Run().
class IdleSweep {
 public:
  static constexpr uint32_t kSweepsPerExpiry = 4;
  static constexpr size_t kSeriesPerRun = 16384;

  // Zero: nothing expires. With another expiry than before idleness is counted anew. Any thread.
  void SetExpiry(Duration expiry) { expiry_.store(expiry.count(), std::memory_order_relaxed); }

  // Goes on with a sweep, or begins one when it is time to; `families` gives all there are, and is
  // called at the beginning of each. One thread at a time.
  void Run(TimePoint now, const std::function<std::vector<Family*>()>& families);

 private:
  std::atomic<Duration::rep> expiry_{0};

  // Used by Run() alone.
  Duration swept_with_{};
  TimePoint next_{};
  // The first sweep with an expiry: what was counted before does not count.
  bool anew_ = false;
  // Of the sweep that is under way: what is left, the last one first, and the place in that one.
  std::vector<Family*> left_;
  SeriesArena::Walk walk_;
};

}  // namespace promplug
