// SPDX-License-Identifier: MIT
#include "metrics/idle_sweep.hpp"

#include "metrics/family.hpp"

namespace promplug {

void IdleSweep::Run(TimePoint now, const std::function<std::vector<Family*>()>& families) {
  const Duration expiry(expiry_.load(std::memory_order_relaxed));
  if (expiry != swept_with_) {
    swept_with_ = expiry;
    anew_ = true;
    left_.clear();
    next_ = now;
  }
  if (expiry <= Duration::zero()) return;
  if (left_.empty()) {
    if (now < next_) return;
    left_ = families();
    if (!left_.empty()) walk_ = left_.back()->BeginSweep();
  }
  size_t budget = kSeriesPerRun;
  while (!left_.empty()) {
    budget -= left_.back()->Sweep(&walk_, budget, anew_);
    if (budget == 0) return;
    left_.pop_back();
    if (!left_.empty()) walk_ = left_.back()->BeginSweep();
  }
  // From its end on, so that no series is looked at sooner than that again.
  next_ = now + expiry / kSweepsPerExpiry;
  anew_ = false;
}

}  // namespace promplug
