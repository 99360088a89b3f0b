// SPDX-License-Identifier: MIT
#include "push/interruption.hpp"

namespace promplug {

bool Interruption::WaitUntil(TimePoint until, const std::function<bool()>& done) {
  std::unique_lock lock(mutex_);
  while (!interrupted_ && clock_.Now() < until && !(done && done())) {
    clock_.WaitUntil(lock, changed_, until);
  }
  return !interrupted_;
}

void Interruption::Nudge() {
  std::lock_guard lock(mutex_);
  changed_.notify_all();
}

void Interruption::Interrupt() {
  std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

void Interruption::Clear() {
  std::lock_guard lock(mutex_);
  interrupted_ = false;
}

bool Interruption::interrupted() const {
  std::lock_guard lock(mutex_);
  return interrupted_;
}

}  // namespace promplug
