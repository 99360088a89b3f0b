// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace promplug {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::steady_clock::time_point;

inline Duration FromSeconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

// Time as the plugin sees it; tests give one that they move by hand
// (tests/support/manual_clock.hpp). Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Monotonic; for deadlines and durations.
  virtual TimePoint Now() const = 0;
  // Wall clock, milliseconds since 1970; for values that people see.
  virtual int64_t UnixMillis() const = 0;
  // The same in nanoseconds, of a clock that may stand still for some milliseconds. [hot]
  virtual int64_t CoarseUnixNanos() const { return UnixMillis() * 1'000'000; }
  // Waits on `condition` until it is notified or `deadline` has come; wakes up spuriously, too.
  // TimePoint::max() waits for a notification alone. REQUIRES: `lock` is held.
  virtual void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                         TimePoint deadline) const = 0;

  // The machine's clock; lives for ever.
  static const Clock& Real();
};

}  // namespace promplug
