// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "metrics/series.hpp"

namespace promplug {

// The words of a Series as a reader of another process's segment sees them. The pointer to its
// family and the route are the owner's.
class SegmentSeries {
 public:
  // What tells whether a block is still the series that it was.
  struct Identity {
    uintptr_t route = 0;
    uint32_t hash = 0;
    bool exposed() const { return (route & Series::kRemoved) == 0; }
    // Removed, but cells of the host may bring it back.
    bool hidden_only() const { return (route & Series::kDead) == 0; }
    // The stripes may be those of a life before, which other series get in the end.
    bool IsStill(const Identity& seen) const {
      return exposed() == seen.exposed() && hash == seen.hash &&
             Stripes::Of(route) == Stripes::Of(seen.route);
    }
  };
  static Identity Look(const Series& series) {
    Identity seen;
    seen.route = series.route_.load(std::memory_order_acquire);
    seen.hash = __atomic_load_n(&series.hash_, __ATOMIC_RELAXED);
    return seen;
  }

  static uint32_t EntryBytes(const Series& series) {
    return __atomic_load_n(&series.entry_bytes_, __ATOMIC_RELAXED);
  }
  static size_t LabelBytes(const Series& series) {
    return __atomic_load_n(&series.label_bytes_, __ATOMIC_RELAXED);
  }
  static const Word* Cell(const Series& series) { return series.cell(); }
  static bool HasHostCells(const Series& series) {
    return (series.flags_.load(std::memory_order_relaxed) & Series::kHasHostCells) != 0;
  }
  static bool HasExemplars(const Series& series) {
    return (series.flags_.load(std::memory_order_relaxed) & Series::kHasExemplars) != 0;
  }
};

}  // namespace promplug
