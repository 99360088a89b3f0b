// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>

#include "base/clock.hpp"

namespace promplug {

// What ends the waits of the push thread early. Thread-safe.
class Interruption {
 public:
  explicit Interruption(const Clock& clock) : clock_(clock) {}

  // Blocks until `until`, or until done() where there is one; done() is asked under a lock and must
  // not block. False: Interrupt() came first, or holds.
  bool WaitUntil(TimePoint until, const std::function<bool()>& done = nullptr);
  // Has done() asked again.
  void Nudge();
  // Holds until Clear().
  void Interrupt();
  void Clear();
  bool interrupted() const;

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false;
};

}  // namespace promplug
