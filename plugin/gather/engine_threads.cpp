// SPDX-License-Identifier: MIT
#include <cxxabi.h>

#include <algorithm>
#include <new>
#include <utility>

#include "gather/callback_engine.hpp"
#include "gather/engine_section.hpp"

namespace promplug {
namespace {

constexpr const char* kWorkerName = "pp-collect";
constexpr const char* kHouseName = "pp-house";
constexpr Duration kMaintenanceInterval = std::chrono::milliseconds(250);

}  // namespace

// As in RunCallback(): the unwinding has no object.
__attribute__((no_sanitize("null"))) void CallbackEngine::WorkerBody(Worker* worker) {
  if (hooks_.thread_enter) hooks_.thread_enter(kWorkerName);
  try {
    while (!RunQueue(worker)) {
    }
  } catch (const abi::__forced_unwind&) {
    WorkerExits(worker);
    throw;
  }
  WorkerExits(worker);
}

bool CallbackEngine::RunQueue(Worker* worker) try {
  Section section(this);
  while (!worker->replaced && !ending_) {
    const std::shared_ptr<Callback> callback = PopDue(&queue_);
    if (callback == nullptr) {
      section.WaitUntil(conditions_->work, TimePoint::max());
      continue;
    }
    inside_.Enter();
    RunOne(&section, callback, worker);
  }
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

void CallbackEngine::WorkerExits(Worker* worker) {
  if (hooks_.thread_leave) hooks_.thread_leave();
  const std::lock_guard lock(mutex_);
  worker->exited = true;
  if (current_ == worker) current_ = nullptr;
  conditions_->changed.notify_all();
  conditions_->house.notify_all();
}

void CallbackEngine::HouseBody() {
  Section section(this);
  maintained_at_ = clock_.Now();
  while (!house_ending_) {
    try {
      KeepHouse(&section);
    } catch (const std::bad_alloc&) {
      section.Relock();
    }
  }
  house_exited_ = true;
  conditions_->changed.notify_all();
}

void CallbackEngine::KeepHouse(Section* section) {
  const TimePoint now = clock_.Now();
  HandleDeadlines(now, section->effects());
  Reap(section);
  if (!ending_ && WorkerPossible()) {
    const Status status = EnsureWorker();
    if (!status.ok() && !no_thread_logged_) {
      section->effects()->lines.emplace_back(LogLevel::kError, status.text());
    }
    no_thread_logged_ = !status.ok();
  }
  if (now - maintained_at_ >= kMaintenanceInterval) {
    maintained_at_ = now;
    section->Unlock();
    if (hooks_.maintain) hooks_.maintain();
    section->Lock();
    return;
  }
  house_wakes_at_ = std::min(NextDeadline(), maintained_at_ + kMaintenanceInterval);
  section->WaitUntil(conditions_->house, house_wakes_at_);
  // Awake, it looks at everything before it sleeps again: nobody has to poke it.
  house_wakes_at_ = TimePoint::min();
}

void CallbackEngine::Reap(Section* section) {
  std::list<std::unique_ptr<Worker>> exited;
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    const auto next = std::next(worker);
    if ((*worker)->exited) exited.splice(exited.end(), workers_, worker);
    worker = next;
  }
  if (exited.empty()) return;
  section->Unlock();
  exited.clear();  // joins
  section->Lock();
}

size_t CallbackEngine::StuckWorkers() const {
  return static_cast<size_t>(
      std::count_if(workers_.begin(), workers_.end(),
                    [](const auto& worker) { return worker->replaced && !worker->exited; }));
}

bool CallbackEngine::WorkerPossible() const {
  return current_ != nullptr || StuckWorkers() <= Sources::kMaxStuck;
}

// Does not throw: what it is called from has begun things that must be ended.
Status CallbackEngine::EnsureWorker() try {
  if (current_ != nullptr) return Status();
  std::list<std::unique_ptr<Worker>> fresh;
  fresh.push_back(std::make_unique<Worker>());
  Worker* worker = fresh.back().get();
  Status status = worker->thread.Start(kWorkerName, [this, worker] { WorkerBody(worker); });
  if (!status.ok()) return status;
  workers_.splice(workers_.end(), fresh);
  current_ = worker;
  return status;
} catch (const std::bad_alloc&) {
  return Status(Code::kNoMemory, {});
}

Status CallbackEngine::StartLocked() {
  ending_ = false;
  house_ending_ = false;
  Status status = EnsureWorker();
  // A house that has ended has no effects to do, so that it needs no lock any more.
  if (house_.started() && house_exited_) house_.Join();
  if (!status.ok() || house_.started()) return status;
  house_exited_ = false;
  return house_.Start(kHouseName, [this] { HouseBody(); });
}

Status CallbackEngine::StartThreads() {
  Section section(this);
  if (threads_ == Threads::kRunning) return Status();
  if (threads_ == Threads::kStopping) return Status(Code::kState, "a stop has not ended");
  Status status = StartLocked();
  if (status.ok()) {
    threads_ = Threads::kRunning;
  } else {
    (void)EndThreads(&section, TimePoint::max());
  }
  return status;
}

Status CallbackEngine::EndThreads(Section* section, TimePoint deadline) {
  const auto wait = [&](const auto& over) {
    while (!over()) {
      if (clock_.Now() >= deadline) return false;
      section->WaitUntil(conditions_->changed, deadline);
    }
    return true;
  };
  ending_ = true;
  conditions_->work.notify_all();
  const bool workers_gone = wait([&] {
    return inside_callbacks_.empty() &&
           std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->exited; });
  });
  if (!workers_gone) return Status(Code::kTimeout, "a callback is still inside");
  house_ending_ = true;
  conditions_->house.notify_all();
  if (house_.started() && !wait([&] { return house_exited_; })) {
    return Status(Code::kTimeout, "a hook or log function is still inside");
  }
  std::list<std::unique_ptr<Worker>> workers = std::move(workers_);
  workers_.clear();
  section->Unlock();
  workers.clear();  // joins
  house_.Join();
  section->Lock();
  return Status();
}

Status CallbackEngine::Stop(Duration timeout) {
  if (InsideCallback()) return Status(Code::kReentrant, "stop from inside a callback");
  Section section(this);
  if (threads_ == Threads::kStopped) return Status();
  threads_ = Threads::kStopping;
  FinishAllGathers(section.effects());
  Status status = EndThreads(&section, After(clock_.Now(), timeout));
  if (!status.ok()) return status;
  threads_ = Threads::kStopped;
  return status;
}

Status CallbackEngine::Park(Duration timeout) {
  if (InsideCallback()) return Status(Code::kReentrant, "fork from inside a callback");
  Section section(this);
  if (threads_ == Threads::kStopping) return Status(Code::kState, "a stop has not ended");
  if (threads_ == Threads::kRunning) {
    Status status = EndThreads(&section, After(clock_.Now(), timeout));
    if (!status.ok()) {
      // Those that have ended already come back; the house makes up for a failure.
      (void)StartLocked();
      return status;
    }
  }
  section.KeepLocked();
  return Status();
}

Status CallbackEngine::Unpark() {
  Section section(this, std::adopt_lock);
  if (threads_ != Threads::kRunning) return Status();
  Status status = StartLocked();
  if (!status.ok()) {
    threads_ = Threads::kStopped;
    FinishAllGathers(section.effects());
    (void)EndThreads(&section, TimePoint::max());
  }
  return status;
}

void CallbackEngine::AbandonAfterFork() {
  // The other threads of the parent may have waited on them.
  (void)conditions_.release();
  conditions_ = std::make_unique<Conditions>();
  inside_.Clear();
  for (const auto& gather : gathers_) {
    DropWaiters(*gather);
    gather->finished = true;
    gather->calling = false;
  }
  EmptyQueues();
  for (const auto& callback : leaving_) {
    if (callback->released == Callback::Release::kCalling) {
      callback->released = Callback::Release::kDone;
    }
  }
  threads_ = Threads::kStopped;
  mutex_.unlock();
}

}  // namespace promplug
