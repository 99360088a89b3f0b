// SPDX-License-Identifier: MIT
#include "base/clock.hpp"

#include <ctime>

namespace promplug {
namespace {

class RealClock final : public Clock {
 public:
  TimePoint Now() const override { return std::chrono::steady_clock::now(); }

  int64_t UnixMillis() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }

  int64_t CoarseUnixNanos() const override {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
    return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
  }

  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                 TimePoint deadline) const override {
    if (deadline == TimePoint::max()) {
      condition.wait(lock);
    } else {
      condition.wait_until(lock, deadline);
    }
  }
};

}  // namespace

const Clock& Clock::Real() {
  // Never destroyed: threads may outlive static destructors.
  static const Clock* const clock = new RealClock;
  return *clock;
}

}  // namespace promplug
