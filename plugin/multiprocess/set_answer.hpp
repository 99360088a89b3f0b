// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "multiprocess/set_merge.hpp"

namespace promplug {

// One view of the set that somebody waits for. Thread-safe.
class SetAnswer {
 public:
  // `ready` may be empty; it is called once, when the answer is there, on pp-set.
  explicit SetAnswer(std::function<void()> ready) : ready_(std::move(ready)) {}

  bool Ready() const;
  void Wait();
  // ready() is not called from now on; waits for it where it is just being called on another
  // thread.
  void Cancel();
  // nullptr: it could not be had. REQUIRES: Ready()
  std::shared_ptr<const SetMerge> view() const;

 private:
  friend class SetLoop;
  void Complete(std::shared_ptr<const SetMerge> view);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::function<void()> ready_;
  bool done_ = false;
  bool calling_ = false;
  std::thread::id caller_;
  std::shared_ptr<const SetMerge> view_;
};

}  // namespace promplug
