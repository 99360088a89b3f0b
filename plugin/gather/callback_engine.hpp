// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "base/thread.hpp"
#include "gather/callback.hpp"
#include "gather/callback_run.hpp"
#include "gather/registrations.hpp"
#include "gather/sources.hpp"
#include "metrics/self_metrics.hpp"

namespace promplug {

// Which threads are inside callbacks. Thread-safe, without a lock.
class InsideTable {
 public:
  static constexpr size_t kThreads = 64;

  // False: there is no place left.
  bool Enter();
  void Leave();
  bool Contains() const;  // the calling thread
  void Clear();

 private:
  std::array<std::atomic<uintptr_t>, kThreads> threads_{};
};

// Runs callbacks: who is due, on which thread, until when, for which gathers. Sources says what
// its functions promise; they are the same here. Thread-safe in the same way.
//
// One mutex guards all state; it is held neither while a callback, hook or ready function runs nor
// while a line is logged. What a piece of locked code wants of those is noted in Effects and done
// when the lock is gone.
class CallbackEngine {
 public:
  CallbackEngine(SelfMetrics* self, const Log& log, const Clock& clock, SourcesHooks hooks);
  ~CallbackEngine();
  CallbackEngine(const CallbackEngine&) = delete;
  CallbackEngine& operator=(const CallbackEngine&) = delete;

  void SetLimits(Duration timeout, uint64_t max_output_bytes);

  // kExists, as Registrations::Add().
  Result<uint64_t> Add(std::shared_ptr<Callback> callback);
  Status Remove(uint64_t id, Duration timeout);

  // Asks those registered callbacks that `wants` names, then `last` where it is not null. Fills in
  // the slots, in the order of registration.
  void Ask(const std::shared_ptr<GatherState>& gather,
           const std::function<bool(const Callback&)>& wants,
           const std::shared_ptr<Callback>& last);
  bool Finished(const GatherState& gather) const;
  void Wait(const std::shared_ptr<GatherState>& gather);
  // After it, ready() is not called.
  void Cancel(const std::shared_ptr<GatherState>& gather);

  bool InsideCallback() const { return inside_.Contains(); }
  bool RunPending(Duration max);
  bool AnyStuck() const;

  Status StartThreads();
  Status Stop(Duration timeout);
  Status Park(Duration timeout);
  Status Unpark();
  void AbandonAfterFork();

 private:
  struct Effects {
    std::vector<std::pair<LogLevel, std::string>> lines;
    std::shared_ptr<GatherState> ready;  // the first; GatherState::next_ready
    bool wake = false;
    bool empty() const { return lines.empty() && ready == nullptr && !wake; }
  };
  // The lock, and the effects of what is done under it.
  class Section;
  struct Worker {
    Thread thread;
    bool replaced = false;  // another one has its place; it ends when its callback returns
    bool exited = false;
  };
  // In a fork child these may have waiters that are no more; they are left behind then.
  struct Conditions {
    std::condition_variable work;     // for workers
    std::condition_variable house;    // for the supervisor
    std::condition_variable changed;  // for whoever waits for a gather, a callback or a thread
  };
  enum class Threads { kStopped, kRunning, kStopping };

  // callback_engine.cpp
  void AskOne(const std::shared_ptr<GatherState>& gather, const std::shared_ptr<Callback>& callback,
              Effects* effects);
  void JoinQueue(const std::shared_ptr<Callback>& callback, TimePoint now, Effects* effects);
  void Release(Section* section, const std::shared_ptr<Callback>& callback);
  // Where no other thread took the place of this one.
  void TakePlaceBack(Worker* worker);
  void RunOne(Section* section, const std::shared_ptr<Callback>& callback, Worker* worker);
  void Finish(const std::shared_ptr<Callback>& callback, CallbackOutcome* outcome,
              Effects* effects);
  std::shared_ptr<Callback> PopDue(std::deque<std::shared_ptr<Callback>>* queue);
  TimePoint FirstDeadline(const Callback& callback, TimePoint now, bool others_due) const;
  Duration TimeoutOf(const Callback& callback) const;

  // engine_deadlines.cpp
  TimePoint NextDeadline() const;
  void HandleDeadlines(TimePoint now, Effects* effects);
  void HandleGatherDeadline(const std::shared_ptr<GatherState>& gather, Effects* effects);
  void GiveUp(const std::shared_ptr<Callback>& callback, Effects* effects);
  void FlushQueue(Effects* effects);
  void FillSlots(Callback* callback, const CallbackOutput* output, Effects* effects);
  void FinishGather(const std::shared_ptr<GatherState>& gather, Effects* effects);
  void FinishAllGathers(Effects* effects);
  void EmptyQueues();
  void DropWaiters(const GatherState& gather);
  void Report(Callback* callback, const char* reason, const std::string& text, Duration took,
              Effects* effects);
  void ReportRefusals(Callback* callback, const WriterRefusals& refusals, Effects* effects);
  void Do(Effects* effects);
  void CallReady(const std::shared_ptr<GatherState>& gather);
  void PokeHouse(TimePoint deadline);

  // engine_threads.cpp
  void WorkerBody(Worker* worker);
  bool RunQueue(Worker* worker);  // false: memory was short, again
  void WorkerExits(Worker* worker);
  void HouseBody();
  void KeepHouse(Section* section);
  void Reap(Section* section);
  size_t StuckWorkers() const;
  bool WorkerPossible() const;
  Status EnsureWorker();
  Status StartLocked();
  Status EndThreads(Section* section, TimePoint deadline);

  SelfMetrics* const self_;
  const Log& log_;
  const Clock& clock_;
  const SourcesHooks hooks_;
  InsideTable inside_;

  mutable std::mutex mutex_;
  std::unique_ptr<Conditions> conditions_;
  // Guarded by mutex_ from here on.
  Duration timeout_ = std::chrono::seconds(2);
  uint64_t max_output_bytes_ = 16u << 20;
  Registrations registrations_;
  std::set<std::shared_ptr<Callback>> leaving_;  // unregistered, not yet known to be gone
  std::deque<std::shared_ptr<Callback>> queue_;
  std::deque<std::shared_ptr<Callback>> loop_queue_;
  std::vector<std::shared_ptr<Callback>> inside_callbacks_;
  std::set<std::shared_ptr<GatherState>> gathers_;  // until they are cancelled
  Threads threads_ = Threads::kStopped;
  bool ending_ = false;  // workers end, RunPending begins nothing
  bool house_ending_ = false;
  bool house_exited_ = false;
  bool no_thread_logged_ = false;
  TimePoint house_wakes_at_ = TimePoint::max();
  TimePoint maintained_at_;
  Thread house_;
  std::list<std::unique_ptr<Worker>> workers_;
  Worker* current_ = nullptr;  // the one that takes from queue_
};

// now + duration, without an overflow.
TimePoint After(TimePoint now, Duration duration);

}  // namespace promplug
