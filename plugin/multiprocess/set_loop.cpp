// SPDX-License-Identifier: MIT
#include "multiprocess/set_loop.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace promplug {
namespace {

constexpr const char* kThreadName = "pp-set";
constexpr Duration kTick = std::chrono::seconds(1);
constexpr Duration kAgain = std::chrono::seconds(5);
constexpr Duration kRetry = std::chrono::milliseconds(20);

}  // namespace

SetLoop::SetLoop(ProcessSet& set, SetCollector& collector, const Log& log, const Clock& clock,
                 SetLoopOptions options, SetLoopHooks hooks)
    : set_(set),
      collector_(collector),
      log_(log),
      clock_(clock),
      hooks_(std::move(hooks)),
      lease_(set.directory(), clock, options.lease_stale),
      options_(options) {}

SetLoop::~SetLoop() { Stop(); }

Status SetLoop::Start() {
  std::lock_guard lock(mutex_);
  if (running_) return Status();
  wanted_ = true;
  stepping_down_ = stepped_down_ = false;
  next_tick_ = next_collect_ = clock_.Now();
  return Launch();
}

// REQUIRES: mutex_ is held, !running_
Status SetLoop::Launch() {
  ending_ = false;
  Status status = thread_.Start(kThreadName, [this] { Body(); });
  running_ = status.ok();
  missing_ = !running_;
  return status;
}

void SetLoop::EndThread() {
  {
    std::lock_guard lock(mutex_);
    missing_ = false;
    if (!running_) return;
    ending_ = true;
    changed_.notify_all();
  }
  thread_.Join();
  std::lock_guard lock(mutex_);
  running_ = false;
}

void SetLoop::Stop() {
  EndThread();
  collector_.Cancel();
  lease_.Release();
  undone_.reset();
  leads_.store(false, std::memory_order_relaxed);
  given_.clear();
  std::unique_lock lock(mutex_);
  parked_ = false;
  collecting_ = false;
  changed_.notify_all();
  TellNothing(&lock);
}

void SetLoop::TellNothing(std::unique_lock<std::mutex>* lock) {
  const std::vector<std::shared_ptr<SetAnswer>> asked = std::exchange(asked_, {});
  lock->unlock();
  for (const std::shared_ptr<SetAnswer>& answer : asked) answer->Complete(nullptr);
  lock->lock();
}

void SetLoop::SetOptions(const SetLoopOptions& options) {
  std::lock_guard lock(mutex_);
  options_ = options;
}

void SetLoop::Wake() {
  std::lock_guard lock(mutex_);
  woken_ = true;
  changed_.notify_all();
}

std::shared_ptr<SetAnswer> SetLoop::Ask(std::function<void()> ready) {
  auto answer = std::make_shared<SetAnswer>(std::move(ready));
  {
    std::lock_guard lock(mutex_);
    if (missing_) (void)Launch();
    if (running_ || parked_) {
      asked_.push_back(answer);
      changed_.notify_all();
      return answer;
    }
  }
  answer->Complete(nullptr);
  return answer;
}

void SetLoop::Publish(TimePoint deadline) {
  std::unique_lock lock(mutex_);
  if (!running_) return;
  wanted_ = true;
  // A collection that has begun may have missed what was said a moment ago.
  const uint64_t enough = begun_ + 1;
  changed_.notify_all();
  while (running_ && published_ < enough && clock_.Now() < deadline) {
    clock_.WaitUntil(lock, changed_, deadline);
  }
}

bool SetLoop::leads() const { return leads_.load(std::memory_order_relaxed); }

void SetLoop::StepDown() {
  std::lock_guard lock(mutex_);
  stepping_down_ = woken_ = true;
  next_tick_ = clock_.Now();
  changed_.notify_all();
}

bool SetLoop::Pause(TimePoint take_until) {
  std::unique_lock lock(mutex_);
  paused_ = true;
  changed_.wait(lock, [this] { return !ticking_; });
  while (!lease_.held() && clock_.Now() < take_until) {
    lock.unlock();
    const bool taken = lease_.TryTake();
    lock.lock();
    if (taken) break;
    clock_.WaitUntil(lock, changed_, std::min(take_until, clock_.Now() + kRetry));
  }
  if (leads_.exchange(lease_.held(), std::memory_order_relaxed) != lease_.held()) {
    wanted_ = true;
    changed_.notify_all();
  }
  return lease_.held();
}

void SetLoop::Resume(bool done) {
  std::lock_guard lock(mutex_);
  if (!done && lease_.held()) {
    undone_ = LeaseChange::kTaken;
    again_at_ = clock_.Now() + kAgain;
  }
  paused_ = false;
  changed_.notify_all();
}

void SetLoop::Park() {
  {
    std::lock_guard lock(mutex_);
    parked_ = running_ || missing_;
  }
  EndThread();
}

Status SetLoop::Unpark() {
  std::unique_lock lock(mutex_);
  if (!std::exchange(parked_, false)) return Status();
  Status status = Launch();
  if (!status.ok()) TellNothing(&lock);
  return status;
}

void SetLoop::AbandonAfterFork() {
  // Whoever waits in the parent does not exist here; the lease's descriptor is closed already.
  asked_.clear();
  collecting_ = false;
  leads_.store(false, std::memory_order_relaxed);
}

void SetLoop::Body() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    try {
      RunOnce(&lock);
    } catch (const std::bad_alloc&) {
      if (!lock.owns_lock()) lock.lock();
      ticking_ = false;
      changed_.notify_all();
    }
  }
}

void SetLoop::RunOnce(std::unique_lock<std::mutex>* lock) {
  woken_ = false;
  const TimePoint now = clock_.Now();
  if (now >= next_tick_ && !paused_) {
    next_tick_ = now + kTick;
    ticking_ = true;
    lock->unlock();
    Tick();
    lock->lock();
    ticking_ = false;
    changed_.notify_all();
  }
  CollectStep(lock);
  AnswerStep(lock);
  const bool due = !asked_.empty() && published_ > 0;
  if (ending_ || woken_ || due || (wanted_ && !collecting_)) return;
  TimePoint wake = collecting_ ? TimePoint::max() : next_collect_;
  if (!paused_) wake = std::min(wake, next_tick_);
  clock_.WaitUntil(*lock, changed_, wake);
}

void SetLoop::CollectStep(std::unique_lock<std::mutex>* lock) {
  try {
    Collect(lock);
  } catch (const std::bad_alloc&) {
    if (lock->owns_lock()) lock->unlock();
    collector_.Cancel();
    lock->lock();
    collecting_ = false;
    next_collect_ = clock_.Now() + kTick;
  }
}

void SetLoop::Collect(std::unique_lock<std::mutex>* lock) {
  if (!collecting_ && (wanted_ || clock_.Now() >= next_collect_)) {
    wanted_ = false;
    collecting_ = true;
    ++begun_;
    next_collect_ = clock_.Now() + options_.collect_interval;
    lock->unlock();
    collector_.Begin(leads(), [this] { Wake(); });
    lock->lock();
  }
  if (!collecting_ || !collector_.Ready()) return;
  lock->unlock();
  Report("publishing what collectors say", set_.Publish(collector_.Take()));
  lock->lock();
  collecting_ = false;
  published_ = begun_;
  changed_.notify_all();
}

// The first view waits until what this process itself says is in it.
void SetLoop::AnswerStep(std::unique_lock<std::mutex>* lock) {
  if (asked_.empty() || published_ == 0) return;
  std::vector<std::shared_ptr<SetAnswer>> asked;
  asked.swap(asked_);
  lock->unlock();
  std::shared_ptr<const SetMerge> view;
  try {
    Result<std::shared_ptr<const SetMerge>> read = set_.Read(hooks_.refuse);
    if (read.ok()) {
      given_.push_back(read.value());
      view = read.value();
    }
    Report("reading what the processes say", read.status());
  } catch (const std::bad_alloc&) {
    // Those who wait are told.
  }
  for (const std::shared_ptr<SetAnswer>& answer : asked) answer->Complete(view);
  asked.clear();
  view.reset();
  FreeViews();
  lock->lock();
}

void SetLoop::FreeViews() {
  std::erase_if(given_, [](const auto& view) { return view.use_count() == 1; });
}

// Whether it is held now.
bool SetLoop::KeepLease() {
  const bool before = lease_.held();
  bool stepping_down;
  {
    std::lock_guard lock(mutex_);
    stepping_down = stepping_down_;
  }
  if (stepping_down) {
    leads_.store(false, std::memory_order_relaxed);
    if (before) Tell(LeaseChange::kGivenUp, false);
    lease_.Release();
    stepped_down_ = true;
    std::lock_guard lock(mutex_);
    stepping_down_ = false;
    return false;
  }
  const bool held = before          ? lease_.Renew()
                    : stepped_down_ ? lease_.TryTakeUnclaimed()
                                    : lease_.TryTake();
  leads_.store(held, std::memory_order_relaxed);
  Report("asking for the lease", lease_.status());
  if (held != before) {
    Tell(held ? LeaseChange::kTaken : LeaseChange::kLost, false);
  } else if (undone_.has_value() && clock_.Now() >= again_at_) {
    Tell(*undone_, true);
  }
  return held;
}

// Others would fail at what it fails at: the same configuration, libraries and limits. So the lease
// is kept, and with it whatever part of the work goes on.
void SetLoop::Tell(LeaseChange change, bool again) {
  if (!again) {
    // What one process says for all comes or goes.
    std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  Status status;
  try {
    status = hooks_.lease_changed(change, again);
  } catch (const std::bad_alloc&) {
    status = Status(Code::kNoMemory, {});
  }
  undone_.reset();
  if (!status.ok()) undone_ = change;
  again_at_ = clock_.Now() + kAgain;
}

void SetLoop::Tick() {
  FreeViews();
  const bool held = KeepLease();
  if (set_.memory().TakeShortage() && !std::exchange(shortage_said_, true)) {
    log_.Error("multiprocess.dir: " + set_.directory().path() +
               " has no space for more series of this process, or multiprocess.max_segment_bytes "
               "is reached: they are refused and counted");
  }
  if (!held) return;
  FoldLimits limits;
  {
    std::lock_guard lock(mutex_);
    limits = options_.fold;
  }
  Report("taking over the totals of processes that are gone",
         set_.Fold(limits, hooks_.refuse).status());
}

// Each kind of failure is said when it begins.
void SetLoop::Report(const char* what, const Status& status) {
  if (status.ok()) {
    failing_.erase(what);
  } else if (failing_.insert(what).second) {
    log_.Error("multiprocess.dir: " + set_.directory().path() + ": " + what +
               " failed: " + status.text());
  }
}

}  // namespace promplug
