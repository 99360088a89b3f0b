// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>

#include <functional>

#include "base/status.hpp"

namespace promplug {

// A thread of the plugin inside a foreign process: every signal that is not synchronous is
// blocked in it, its stack is 512 KiB, and its end is always waited for. Not movable.
class Thread {
 public:
  Thread() = default;
  // Joins. Whoever owns the thread must have told its body to end.
  ~Thread();
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  // Runs body() on a new thread called `name` (at most 15 bytes, "pp-..."). kNoMemory when the
  // system gives no thread. REQUIRES: not running. body must not throw.
  Status Start(const char* name, std::function<void()> body);
  // Waits for the end of the body; does nothing if not started. Not from the body itself.
  void Join();
  // In a fork child: the thread does not exist there, forget it.
  void Abandon() { started_ = false; }
  bool started() const { return started_; }

 private:
  pthread_t handle_{};
  bool started_ = false;
};

}  // namespace promplug
