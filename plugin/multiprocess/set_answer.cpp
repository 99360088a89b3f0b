// SPDX-License-Identifier: MIT
#include "multiprocess/set_answer.hpp"

#include <utility>

namespace promplug {

bool SetAnswer::Ready() const {
  std::lock_guard lock(mutex_);
  return done_;
}

void SetAnswer::Wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_; });
}

void SetAnswer::Cancel() {
  std::unique_lock lock(mutex_);
  ready_ = nullptr;
  changed_.wait(lock, [this] { return !calling_ || caller_ == std::this_thread::get_id(); });
}

std::shared_ptr<const SetMerge> SetAnswer::view() const {
  std::lock_guard lock(mutex_);
  return view_;
}

void SetAnswer::Complete(std::shared_ptr<const SetMerge> view) {
  std::function<void()> ready;
  {
    std::lock_guard lock(mutex_);
    if (done_) return;
    view_ = std::move(view);
    done_ = true;
    ready = std::exchange(ready_, nullptr);
    calling_ = ready != nullptr;
    caller_ = std::this_thread::get_id();
    changed_.notify_all();
  }
  if (ready == nullptr) return;
  ready();
  std::lock_guard lock(mutex_);
  calling_ = false;
  changed_.notify_all();
}

}  // namespace promplug
