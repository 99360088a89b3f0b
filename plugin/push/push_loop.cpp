// SPDX-License-Identifier: MIT
#include "push/push_loop.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <utility>

#include "base/thread.hpp"
#include "push/schedule.hpp"

namespace promplug {
namespace {

constexpr uint32_t kAllTargets = kPushApplication | kPushForwards;
// How long an exchange under way may go on when the thread is to end or to stand still.
constexpr Duration kGrace = std::chrono::milliseconds(200);
constexpr Duration kParkTimeout = std::chrono::seconds(2);
constexpr Duration kStopSlack = std::chrono::seconds(1);

}  // namespace

class PushLoop::Impl {
 public:
  Impl(const Config& config, Gatherer& gatherer, SelfMetrics* self, const Log& log,
       const Clock& clock, ClientFactory factory)
      : clock_(clock),
        log_(log),
        round_(config, gatherer, self, log, clock, std::move(factory)),
        interval_(std::chrono::seconds(config.pushgateway.interval_seconds)),
        phase_(PhaseOf(config.pushgateway.instance, interval_)) {}
  ~Impl();

  Status Start(const std::vector<PushedGroup>& inherited);
  Status Stop(TimePoint deadline, const LastWork& work);
  LastWork WorkBefore(const PushgatewayConfig& next) const { return round_.WorkBefore(next); }
  std::vector<PushedGroup> pushed() const { return round_.pushed(); }
  Status PushNow(uint32_t targets, Duration timeout);
  Status Park();
  Status Unpark();
  std::string last_error() const {
    std::lock_guard lock(mutex_);
    return application_.ok() ? forwards_.text() : application_.text();
  }

 private:
  // What the thread is doing; kNone: there is no thread, or it is at its end.
  enum class Doing { kNone, kWaiting, kRound, kLast };

  Status Launch();
  void Run();
  uint32_t WaitForWork(std::unique_lock<std::mutex>& lock);
  void RunRound(uint32_t targets, std::unique_lock<std::mutex>& lock);
  RoundResult TryRound(uint32_t targets);
  void Keep(uint32_t targets, RoundResult result);
  void LogGivenUp(const char* what, const std::exception& error);
  void DoLast(std::unique_lock<std::mutex>& lock);
  bool AwaitEnd(std::unique_lock<std::mutex>& lock, TimePoint deadline);
  bool AwaitEndWithGrace(std::unique_lock<std::mutex>& lock, TimePoint deadline);

  const Clock& clock_;
  const Log& log_;
  PushRound round_;
  const Duration interval_;
  const Duration phase_;
  Thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  Doing doing_ = Doing::kNone;
  bool started_ = false;
  bool stopping_ = false;
  bool parking_ = false;
  LastWork last_work_;
  TimePoint stop_deadline_{};
  TimePoint start_{};
  TimePoint next_tick_{};
  uint32_t requested_ = 0;  // targets of PushNow(), and those whose push was interrupted
  uint64_t tickets_ = 0;    // of PushNow()
  uint64_t tickets_done_ = 0;
  Status application_;  // of the last round that had it
  Status forwards_;
};

PushLoop::Impl::~Impl() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    last_work_ = LastWork();
    round_.InterruptAll();
    changed_.notify_all();
  }
  thread_.Join();
}

Status PushLoop::Impl::Start(const std::vector<PushedGroup>& inherited) {
  if (started_) return Status(Code::kState, "the push loop was started before");
  Status prepared = round_.Prepare(inherited);
  if (!prepared.ok()) return prepared;
  start_ = clock_.Now();
  next_tick_ = FirstPush(start_, interval_, phase_);
  Status launched = Launch();
  started_ = launched.ok();
  return launched;
}

Status PushLoop::Impl::Launch() {
  {
    std::lock_guard lock(mutex_);
    doing_ = Doing::kWaiting;
  }
  Status started = thread_.Start("pp-push", [this] { Run(); });
  if (!started.ok()) {
    std::lock_guard lock(mutex_);
    doing_ = Doing::kNone;
  }
  return started;
}

void PushLoop::Impl::Run() {
  std::unique_lock lock(mutex_);
  bool last_done = false;
  // A Park() that was given up while the connections were dropped lets the thread go on.
  do {
    while (const uint32_t targets = WaitForWork(lock)) RunRound(targets, lock);
    last_done = stopping_;
    if (stopping_) DoLast(lock);
    lock.unlock();
    round_.DropConnections();
    lock.lock();
  } while (stopping_ ? !last_done : !parking_);
  doing_ = Doing::kNone;
  changed_.notify_all();
}

// The targets that are due; 0: the thread is to end.
uint32_t PushLoop::Impl::WaitForWork(std::unique_lock<std::mutex>& lock) {
  doing_ = Doing::kWaiting;
  while (!stopping_ && !parking_) {
    if (clock_.Now() >= next_tick_) return kAllTargets;
    if (requested_ != 0) return requested_;
    clock_.WaitUntil(lock, changed_, next_tick_);
  }
  return 0;
}

void PushLoop::Impl::RunRound(uint32_t targets, std::unique_lock<std::mutex>& lock) {
  doing_ = Doing::kRound;
  const uint64_t tickets = tickets_;
  requested_ &= ~targets;
  lock.unlock();
  RoundResult result = TryRound(targets);
  lock.lock();
  const uint32_t cancelled = result.cancelled;
  Keep(targets, std::move(result));
  if (cancelled != 0) {
    requested_ |= cancelled;
  } else {
    tickets_done_ = tickets;
  }
  changed_.notify_all();
}

RoundResult PushLoop::Impl::TryRound(uint32_t targets) {
  try {
    return round_.Run(targets);
  } catch (const std::exception& error) {
    LogGivenUp("a push was given up: ", error);
    RoundResult result;
    result.application = Status(Code::kInternal, {});
    return result;
  }
}

// What was given up may have been given up for memory, and so may the line about it.
void PushLoop::Impl::LogGivenUp(const char* what, const std::exception& error) {
  try {
    log_.Error(std::string(what) + error.what());
  } catch (const std::exception&) {
    return;
  }
}

// REQUIRES: mutex_ is held.
void PushLoop::Impl::Keep(uint32_t targets, RoundResult result) {
  const uint32_t done = targets & ~result.cancelled;
  if ((done & kPushApplication) != 0) application_ = std::move(result.application);
  if ((done & kPushForwards) != 0) forwards_ = std::move(result.forwards);
  const TimePoint now = clock_.Now();
  if (now >= next_tick_ || result.not_before > next_tick_) {
    next_tick_ = NextPush(start_, interval_, phase_, std::max(now, result.not_before));
  }
}

void PushLoop::Impl::DoLast(std::unique_lock<std::mutex>& lock) {
  // Under the lock together with the interrupts of Stop(), so that none of them, meant for the
  // round, hits the last push.
  doing_ = Doing::kLast;
  round_.ClearInterrupts();
  const LastWork work = last_work_;
  const TimePoint deadline = stop_deadline_;
  lock.unlock();
  try {
    round_.Last(work, deadline);
  } catch (const std::exception& error) {
    LogGivenUp("the last push was given up: ", error);
  }
  lock.lock();
}

bool PushLoop::Impl::AwaitEnd(std::unique_lock<std::mutex>& lock, TimePoint deadline) {
  while (doing_ != Doing::kNone && clock_.Now() < deadline) {
    clock_.WaitUntil(lock, changed_, deadline);
  }
  return doing_ == Doing::kNone;
}

// Has the thread's waits ended at once, an exchange of a round after kGrace.
bool PushLoop::Impl::AwaitEndWithGrace(std::unique_lock<std::mutex>& lock, TimePoint deadline) {
  if (doing_ == Doing::kRound || doing_ == Doing::kWaiting) round_.InterruptWaits();
  changed_.notify_all();
  const TimePoint grace_end = std::min(deadline, clock_.Now() + kGrace);
  while (doing_ == Doing::kRound && clock_.Now() < grace_end) {
    clock_.WaitUntil(lock, changed_, grace_end);
  }
  if (doing_ == Doing::kRound) round_.InterruptAll();
  return AwaitEnd(lock, deadline);
}

Status PushLoop::Impl::Stop(TimePoint deadline, const LastWork& work) {
  if (!thread_.started()) return Status();
  {
    std::unique_lock lock(mutex_);
    if (!stopping_) last_work_ = work;
    stopping_ = true;
    stop_deadline_ = deadline;
    if (!AwaitEndWithGrace(lock, deadline)) {
      round_.InterruptAll();
      if (!AwaitEnd(lock, deadline + kStopSlack)) {
        return Status(Code::kTimeout, "the push thread has not come to its end yet");
      }
    }
  }
  thread_.Join();
  return Status();
}

Status PushLoop::Impl::PushNow(uint32_t targets, Duration timeout) {
  std::unique_lock lock(mutex_);
  if (!started_ || stopping_) return Status(Code::kState, "push is not running");
  const TimePoint deadline = clock_.Now() + timeout;
  requested_ |= targets;
  const uint64_t ticket = ++tickets_;
  changed_.notify_all();
  while (tickets_done_ < ticket) {
    if (stopping_) return Status(Code::kState, "push is stopping");
    if (clock_.Now() >= deadline) return Status(Code::kTimeout, "the push has not ended yet");
    clock_.WaitUntil(lock, changed_, deadline);
  }
  if ((targets & kPushApplication) != 0 && !application_.ok()) return application_;
  if ((targets & kPushForwards) != 0) return forwards_;
  return Status();
}

Status PushLoop::Impl::Park() {
  if (!thread_.started()) return Status();
  {
    std::unique_lock lock(mutex_);
    parking_ = true;
    if (!AwaitEndWithGrace(lock, clock_.Now() + kParkTimeout)) {
      parking_ = false;
      round_.ClearInterrupts();
      return Status(Code::kTimeout, "the push thread does not come to rest");
    }
  }
  thread_.Join();
  return Status();
}

Status PushLoop::Impl::Unpark() {
  {
    std::lock_guard lock(mutex_);
    if (!parking_) return Status();
    parking_ = false;
    round_.ClearInterrupts();
  }
  return Launch();
}

PushLoop::PushLoop(const Config& config, Gatherer& gatherer, SelfMetrics* self, const Log& log,
                   const Clock& clock, ClientFactory factory)
    : impl_(std::make_unique<Impl>(config, gatherer, self, log, clock, std::move(factory))) {}

PushLoop::~PushLoop() = default;

Status PushLoop::Start(const std::vector<PushedGroup>& inherited) {
  return impl_->Start(inherited);
}
Status PushLoop::Stop(TimePoint deadline, OnStop on_stop) {
  using Groups = LastWork::Groups;
  return impl_->Stop(deadline,
                     {on_stop, on_stop == OnStop::kDelete ? Groups::kDelete : Groups::kStay});
}
Status PushLoop::StopBefore(TimePoint deadline, const PushgatewayConfig& next) {
  return impl_->Stop(deadline, impl_->WorkBefore(next));
}
std::vector<PushedGroup> PushLoop::pushed() const { return impl_->pushed(); }
Status PushLoop::PushNow(uint32_t targets, Duration timeout) {
  return impl_->PushNow(targets, timeout);
}
Status PushLoop::Park() { return impl_->Park(); }
Status PushLoop::Unpark() { return impl_->Unpark(); }
void PushLoop::AbandonAfterFork() { (void)impl_.release(); }
std::string PushLoop::last_error() const { return impl_->last_error(); }

}  // namespace promplug
