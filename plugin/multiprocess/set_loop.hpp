// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "base/thread.hpp"
#include "multiprocess/lease.hpp"
#include "multiprocess/process_set.hpp"
#include "multiprocess/set_answer.hpp"

namespace promplug {

// What a process says beside its instruments, as it is collected. Used by pp-set alone.
class SetCollector {
 public:
  virtual ~SetCollector() = default;
  // Asks everybody; `with_one_process`: also those that only one process of a set asks. Never
  // blocks. `ready` is called when Ready() may have changed, from any thread, and must not block.
  virtual void Begin(bool with_one_process, std::function<void()> ready) = 0;
  virtual bool Ready() const = 0;
  // As PartEncoder writes it. REQUIRES: Ready()
  virtual std::string Take() = 0;
  // Forgets what was begun.
  virtual void Cancel() = 0;
};

struct SetLoopOptions {
  Duration collect_interval = std::chrono::seconds(5);
  FoldLimits fold;
  // A lease without a heartbeat for so long is taken over.
  Duration lease_stale = std::chrono::seconds(10);
};

// What became of the lease. kGivenUp: by StepDown(); it is still held while this is told, so that
// nobody else begins before the work for it has ended here.
enum class LeaseChange { kTaken, kLost, kGivenUp };

// What the loop tells. Called on pp-set, with no lock held.
struct SetLoopHooks {
  // Where it fails (or throws std::bad_alloc), and the lease has not changed since, it is called
  // again, with `again`, after a while.
  std::function<Status(LeaseChange change, bool again)> lease_changed;
  SetMerge::Refuse refuse;
};

// The work of a process for its set, on one thread ("pp-set"): what its collectors say is
// published, the lease is held or asked for, the dead are folded, and views are read for those who
// ask. Nothing of it waits for a callback of the host. Start, Stop, Pause, Resume, Park, Unpark and
// AbandonAfterFork are called by one thread at a time; the rest is thread-safe.
class SetLoop {
 public:
  // All must outlive it.
  SetLoop(ProcessSet& set, SetCollector& collector, const Log& log, const Clock& clock,
          SetLoopOptions options, SetLoopHooks hooks);
  ~SetLoop();
  SetLoop(const SetLoop&) = delete;
  SetLoop& operator=(const SetLoop&) = delete;

  // kNoMemory: no thread.
  Status Start();
  // Ends the thread; whoever waits gets nothing. The lease is given back. OK if not started.
  void Stop();

  void SetOptions(const SetLoopOptions& options);

  // The next view; between Park() and Unpark() it comes after that. At once without one where the
  // thread does not run; one that could not be had by Start() or Unpark() is tried for again.
  std::shared_ptr<SetAnswer> Ask(std::function<void()> ready);
  // Publishes what is said from now on, and returns when it is published, or at the deadline.
  void Publish(TimePoint deadline);
  // Whether this process pushes and listens for the set.
  bool leads() const;

  // Has the loop give the lease back, if it is held, and not take it again while another process
  // has it or would take it: only once it has been without a heartbeat for lease_stale. Until the
  // next Start(); Pause() takes it all the same.
  void StepDown();

  // From its return until Resume() the lease neither comes nor goes, and lease_changed is not being
  // called. Where it is not held it is asked for until `take_until`. Whether it is held.
  bool Pause(TimePoint take_until);
  // `done`: whether what was done meanwhile for a lease that is held is what lease_changed would
  // have done; else that is called, as again.
  void Resume(bool done = true);
  // Around fork(): ends the thread, and starts it again in the parent. kNoMemory: whoever has asked
  // gets nothing.
  void Park();
  Status Unpark();
  // In a child: forgets the thread, the lease, and those who wait.
  void AbandonAfterFork();

 private:
  void Body();
  void RunOnce(std::unique_lock<std::mutex>* lock);
  void Tick();
  void FreeViews();
  bool KeepLease();
  void Tell(LeaseChange change, bool again);
  void CollectStep(std::unique_lock<std::mutex>* lock);
  void Collect(std::unique_lock<std::mutex>* lock);
  void AnswerStep(std::unique_lock<std::mutex>* lock);
  void Wake();
  Status Launch();
  void EndThread();
  void TellNothing(std::unique_lock<std::mutex>* lock);
  void Report(const char* what, const Status& status);

  ProcessSet& set_;
  SetCollector& collector_;
  const Log& log_;
  const Clock& clock_;
  const SetLoopHooks hooks_;
  // Used on pp-set, or while paused.
  Lease lease_;
  std::optional<LeaseChange> undone_;  // lease_changed has failed for it
  TimePoint again_at_;
  // Used on pp-set.
  std::set<std::string_view> failing_;  // what was said, and goes on
  // Views that were given away: freeing a large one takes a millisecond, which is not for a thread
  // of the host.
  std::vector<std::shared_ptr<const SetMerge>> given_;
  bool shortage_said_ = false;
  bool stepped_down_ = false;
  std::atomic<bool> leads_{false};

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  SetLoopOptions options_;
  Thread thread_;
  bool running_ = false;
  bool parked_ = false;   // it ran, and is to run again
  bool missing_ = false;  // it is to run, and could not be had
  bool ending_ = false;
  bool paused_ = false;
  bool ticking_ = false;
  bool stepping_down_ = false;
  bool woken_ = false;
  bool collecting_ = false;
  bool wanted_ = true;  // a collection is due whatever the time is
  uint64_t begun_ = 0;
  uint64_t published_ = 0;
  TimePoint next_tick_;
  TimePoint next_collect_;
  std::vector<std::shared_ptr<SetAnswer>> asked_;
};

}  // namespace promplug
