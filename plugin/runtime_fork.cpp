// SPDX-License-Identifier: MIT
// What the runtime does around fork().
#include "runtime.hpp"

namespace promplug {
namespace {

constexpr Duration kParkTimeout = std::chrono::seconds(2);

}  // namespace

Status Runtime::Park() {
  if (parked_) return Status(Code::kState, "fork_prepare() was called before");
  // Before the others: it starts and ends them.
  if (set_loop_ != nullptr) (void)set_loop_->Pause(TimePoint::min());
  Status status = ParkParts();
  if (status.ok()) {
    parked_ = true;
  } else if (set_loop_ != nullptr) {
    set_loop_->Resume();
  }
  return status;
}

// In the order in which the parts use each other, so that none waits for one that stands already.
Status Runtime::ParkParts() {
  const std::shared_ptr<PushLoop> push = this->push();
  Status status = push != nullptr ? push->Park() : Status();
  if (!status.ok()) return status;
  status = listener_->Park();
  if (status.ok()) {
    if (set_loop_ != nullptr) set_loop_->Park();
    status = sources_.Park(kParkTimeout);
    if (status.ok()) {
      status = LockForFork();
      if (!status.ok()) (void)sources_.Unpark();
    }
    if (!status.ok() && set_loop_ != nullptr) (void)set_loop_->Unpark();
    if (!status.ok()) listener_->Unpark();
  }
  if (!status.ok() && push != nullptr) (void)push->Unpark();
  return status;
}

// In the order in which they are taken elsewhere.
Status Runtime::LockForFork() {
  instruments_.LockForFork();
  if (set_ != nullptr) {
    Status status = set_->LockForFork();
    if (!status.ok()) {
      instruments_.UnlockAfterFork();
      return status;
    }
  }
  self_.registry().LockForFork();
  mutex_.lock();
  return Status();
}

Status Runtime::UnlockAfterFork() {
  if (!parked_) return Status(Code::kState, "fork_prepare() was not called");
  parked_ = false;
  mutex_.unlock();
  self_.registry().UnlockAfterFork();
  if (set_ != nullptr) set_->UnlockAfterFork();
  instruments_.UnlockAfterFork();
  return Status();
}

Status Runtime::Unpark() {
  Status status = UnlockAfterFork();
  if (!status.ok()) return status;
  status = sources_.Unpark();
  if (set_loop_ != nullptr) {
    Status looping = set_loop_->Unpark();
    if (status.ok()) status = looping;
  }
  listener_->Unpark();
  if (const std::shared_ptr<PushLoop> push = this->push()) {
    Status pushing = push->Unpark();
    if (status.ok()) status = pushing;
  }
  if (set_loop_ != nullptr) set_loop_->Resume();
  return status;
}

Status Runtime::AfterFork(bool restart) {
  if (!parked_) return Status(Code::kState, "fork_prepare() was not called");
  // An inert child goes on counting into its parent's segment.
  Status moved = restart && set_ != nullptr ? MoveSetAfterFork() : Status();
  Status status = UnlockAfterFork();
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
  if (!restart) return status;
  // Its values are still those of the parent, which must not be set back.
  if (moved.code() == Code::kNoMemory) return moved;
  instruments_.ResetValues();
  self_.ResetAfterFork();
  report_.ResetAfterFork();
  // Only now: what the parent has counted would be counted twice.
  if (set_ != nullptr && moved.ok()) moved = set_->Enter();
  // One that was alone in the parent is so for the parent's reason.
  if (set_ != nullptr) set_status_ = moved.ok() ? moved : GoesOnAlone(moved);
  handler_ = NewScrapeHandler(sources_, &self_, clock_,
                              std::make_shared<const ScrapeConfig>(config_->scrape));
  listener_ = std::make_unique<Listener>(*handler_, clock_, log_);
  if (set_ != nullptr && moved.ok()) MakeSetLoop(*config_);
  ++fork_generation_;
  return was_running ? Start() : status;
}

}  // namespace promplug
