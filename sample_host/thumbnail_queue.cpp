// SPDX-License-Identifier: MIT
#include "thumbnail_queue.hpp"

#include <algorithm>
#include <utility>

namespace sample {
namespace {

constexpr size_t kThumbnailBytes = 256;

// The mean of each of as many equal pieces as a thumbnail has bytes.
std::string Shrink(const std::string& photo) {
  const size_t piece = std::max<size_t>(1, photo.size() / kThumbnailBytes);
  std::string thumbnail;
  for (size_t begin = 0; begin + piece <= photo.size(); begin += piece) {
    uint64_t sum = 0;
    for (size_t i = begin; i < begin + piece; ++i) sum += static_cast<unsigned char>(photo[i]);
    thumbnail.push_back(static_cast<char>(sum / piece));
  }
  return thumbnail;
}

}  // namespace

ThumbnailQueue::ThumbnailQueue(prometheus::Registry& registry)
    : made_(prometheus::BuildCounter()
                .Name("photo_thumbnails_total")
                .Help("Thumbnails that were made.")
                .Register(registry)
                .Add({})),
      worker_([this] { Work(); }) {}

ThumbnailQueue::~ThumbnailQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  worker_.join();
}

void ThumbnailQueue::Add(std::shared_ptr<const std::string> photo) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(photo));
    length_.store(static_cast<int64_t>(waiting_.size()), std::memory_order_relaxed);
  }
  changed_.notify_one();
}

void ThumbnailQueue::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    const auto photo = std::move(waiting_.front());
    waiting_.pop_front();
    length_.store(static_cast<int64_t>(waiting_.size()), std::memory_order_relaxed);
    lock.unlock();
    if (!Shrink(*photo).empty()) made_.Increment();
    lock.lock();
  }
}

}  // namespace sample
