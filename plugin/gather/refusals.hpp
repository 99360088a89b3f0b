// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/log.hpp"
#include "gather/series_set.hpp"
#include "metrics/self_metrics.hpp"

namespace promplug {

// Counts what is left out of gatherings, and logs each thing once. Remembers a bounded number of
// things; what comes then is counted alone. Thread-safe.
class Refusals {
 public:
  static constexpr size_t kMaxRemembered = 1024;

  // `self` may be null. Both must outlive this.
  Refusals(SelfMetrics* self, const Log& log) : self_(self), log_(log) {}

  // `reason` as of SelfMetrics::SeriesRefused(); `subject` is the family it is about.
  void Refuse(std::string_view reason, std::string_view subject, const std::string& text,
              uint64_t n = 1);

  // Around fork(), so that a child does not find the lock taken for ever.
  void LockForFork() { mutex_.lock(); }
  void UnlockAfterFork() { mutex_.unlock(); }

 private:
  SelfMetrics* const self_;
  const Log& log_;
  std::mutex mutex_;
  SeriesSet said_;  // guarded by mutex_
};

}  // namespace promplug
