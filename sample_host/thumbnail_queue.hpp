// SPDX-License-Identifier: MIT
#pragma once

#include <prometheus/counter.h>
#include <prometheus/registry.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace sample {

// Makes thumbnails of uploaded photos on a thread of its own. Thread-safe; `registry` must outlive
// it. The destructor drops what is waiting.
class ThumbnailQueue {
 public:
  explicit ThumbnailQueue(prometheus::Registry& registry);
  ~ThumbnailQueue();
  ThumbnailQueue(const ThumbnailQueue&) = delete;
  ThumbnailQueue& operator=(const ThumbnailQueue&) = delete;

  void Add(std::shared_ptr<const std::string> photo);
  // Photos that wait for their thumbnail, as a cell that can be read at any time.
  const std::atomic<int64_t>& length() const { return length_; }

 private:
  void Work();

  prometheus::Counter& made_;
  std::atomic<int64_t> length_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const std::string>> waiting_;  // guarded by mutex_
  bool stopping_ = false;                                   // guarded by mutex_
  std::thread worker_;
};

}  // namespace sample
