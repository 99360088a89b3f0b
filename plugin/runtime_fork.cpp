// SPDX-License-Identifier: MIT
// What the runtime does around fork().
#include "runtime.hpp"

namespace promplug {
namespace {

constexpr Duration kParkTimeout = std::chrono::seconds(2);

}  // namespace

// In the order in which the parts use each other, so that none waits for one that stands already.
Status Runtime::Park() {
  Status status;
  const std::shared_ptr<PushLoop> push = this->push();
  if (push != nullptr) status = push->Park();
  if (!status.ok()) return status;
  status = listener_.Park();
  if (status.ok()) {
    status = sources_.Park(kParkTimeout);
    if (!status.ok()) listener_.Unpark();
  }
  if (!status.ok()) {
    if (push != nullptr) (void)push->Unpark();
    return status;
  }
  instruments_.LockForFork();
  self_.registry().LockForFork();
  mutex_.lock();
  return status;
}

void Runtime::UnlockAfterFork() {
  mutex_.unlock();
  self_.registry().UnlockAfterFork();
  instruments_.UnlockAfterFork();
}

Status Runtime::Unpark() {
  UnlockAfterFork();
  Status status = sources_.Unpark();
  listener_.Unpark();
  if (const std::shared_ptr<PushLoop> push = this->push()) {
    Status pushing = push->Unpark();
    if (status.ok()) status = pushing;
  }
  return status;
}

Status Runtime::AfterFork(bool restart) {
  UnlockAfterFork();
  sources_.AbandonAfterFork();
  listener_.AbandonAfterFork();
  if (const std::shared_ptr<PushLoop> push = this->push()) push->AbandonAfterFork();
  push_.reset();
  const bool was_running = running();
  state_.store(State::kStopped, std::memory_order_release);
  open_scrapes_.store(0);
  if (!restart) return Status();
  instruments_.ResetValues();
  self_.ResetAfterFork();
  handler_ = NewScrapeHandler(sources_, &self_, clock_,
                              std::make_shared<const ScrapeConfig>(config_->scrape));
  return was_running ? Start() : Status();
}

}  // namespace promplug
