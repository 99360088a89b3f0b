// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "gather/callback_engine.hpp"

namespace promplug {

// Holds the engine's lock; what was noted in effects() is done each time the lock goes.
class CallbackEngine::Section {
 public:
  explicit Section(CallbackEngine* engine) : engine_(*engine), lock_(engine->mutex_) {}
  Section(CallbackEngine* engine, std::adopt_lock_t adopt)
      : engine_(*engine), lock_(engine->mutex_, adopt) {}
  ~Section() {
    if (lock_.owns_lock()) Unlock();
  }
  Section(const Section&) = delete;
  Section& operator=(const Section&) = delete;

  void Unlock() {
    Effects effects = std::move(effects_);
    effects_ = Effects();
    lock_.unlock();
    engine_.Do(&effects);
  }
  void Lock() { lock_.lock(); }
  void Relock() {
    if (!lock_.owns_lock()) Lock();
  }
  // Waits; what was noted before is done first, so the condition has to be looked at again.
  void WaitUntil(std::condition_variable& condition, TimePoint deadline) {
    if (!effects_.empty()) {
      Unlock();
      Lock();
      return;
    }
    engine_.clock_.WaitUntil(lock_, condition, deadline);
  }
  Effects* effects() { return &effects_; }
  // Leaves the mutex locked, whatever becomes of this. REQUIRES: nothing is noted.
  void KeepLocked() { (void)lock_.release(); }

 private:
  CallbackEngine& engine_;
  std::unique_lock<std::mutex> lock_;
  Effects effects_;
};

}  // namespace promplug
