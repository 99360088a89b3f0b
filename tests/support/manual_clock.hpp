// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>

#include "base/clock.hpp"

namespace promplug::test {

// A clock that stands still until Advance(). Threads that wait on it wake up when their deadline
// has come. WaitForSleepers() lets a test know that a thread has arrived at its wait.
class ManualClock final : public Clock {
 public:
  TimePoint Now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }

  int64_t UnixMillis() const override {
    std::lock_guard lock(mutex_);
    return 1'700'000'000'000 + std::chrono::duration_cast<std::chrono::milliseconds>(
                                   now_ - TimePoint(std::chrono::hours(1)))
                                   .count();
  }

  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                 TimePoint deadline) const override {
    {
      std::lock_guard own(mutex_);
      if (now_ >= deadline) return;
      sleepers_.insert(&condition);
      arrived_.notify_all();
    }
    // Real waiting, in short turns: Advance() cannot take the foreign lock, so that a notification
    // between the check above and the wait below would be lost.
    condition.wait_for(lock, std::chrono::milliseconds(5));
    std::lock_guard own(mutex_);
    sleepers_.erase(sleepers_.find(&condition));
  }

  void Advance(Duration by) {
    std::lock_guard lock(mutex_);
    now_ += by;
    for (std::condition_variable* condition : sleepers_) condition->notify_all();
  }

  // Returns when at least n threads wait on this clock, false after ten seconds without that.
  bool WaitForSleepers(size_t n) const {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(10), [&] { return sleepers_.size() >= n; });
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable arrived_;
  mutable std::multiset<std::condition_variable*> sleepers_;
  TimePoint now_ = TimePoint(std::chrono::hours(1));
};

}  // namespace promplug::test
