// SPDX-License-Identifier: MIT
// What the runtime does around fork().
#include "runtime.hpp"

namespace promplug {
namespace {

constexpr Duration kParkTimeout = std::chrono::seconds(2);

}  // namespace

// In the order in which the parts use each other, so that none waits for one that stands already.
Status Runtime::Park() {
  if (parked_) return Status(Code::kState, "fork_prepare() was called before");
  Status status;
  const std::shared_ptr<PushLoop> push = this->push();
  if (push != nullptr) status = push->Park();
  if (!status.ok()) return status;
  status = listener_->Park();
  if (status.ok()) {
    status = sources_.Park(kParkTimeout);
    if (!status.ok()) listener_->Unpark();
  }
  if (!status.ok()) {
    if (push != nullptr) (void)push->Unpark();
    return status;
  }
  instruments_.LockForFork();
  self_.registry().LockForFork();
  mutex_.lock();
  parked_ = true;
  return status;
}

Status Runtime::UnlockAfterFork() {
  if (!parked_) return Status(Code::kState, "fork_prepare() was not called");
  parked_ = false;
  mutex_.unlock();
  self_.registry().UnlockAfterFork();
  instruments_.UnlockAfterFork();
  return Status();
}

Status Runtime::Unpark() {
  Status status = UnlockAfterFork();
  if (!status.ok()) return status;
  status = sources_.Unpark();
  listener_->Unpark();
  if (const std::shared_ptr<PushLoop> push = this->push()) {
    Status pushing = push->Unpark();
    if (status.ok()) status = pushing;
  }
  return status;
}

Status Runtime::AfterFork(bool restart) {
  Status status = UnlockAfterFork();
  if (!status.ok()) return status;
  sources_.AbandonAfterFork();
  listener_->AbandonAfterFork();
  if (const std::shared_ptr<PushLoop> push = this->push()) push->AbandonAfterFork();
  push_.reset();
  for (const std::shared_ptr<PushLoop>& loop : retiring_) loop->AbandonAfterFork();
  retiring_.clear();
  pushed_groups_.clear();
  const bool was_running = running();
  state_.store(State::kStopped, std::memory_order_release);
  users_.store(0);
  ++fork_generation_;
  if (!restart) return status;
  instruments_.ResetValues();
  self_.ResetAfterFork();
  report_.ResetAfterFork();
  handler_ = NewScrapeHandler(sources_, &self_, clock_,
                              std::make_shared<const ScrapeConfig>(config_->scrape));
  listener_ = std::make_unique<Listener>(*handler_, clock_, log_);
  return was_running ? Start() : status;
}

}  // namespace promplug
