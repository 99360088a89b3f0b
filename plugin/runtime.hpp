// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "config/config.hpp"
#include "config/load.hpp"
#include "gather/set_publisher.hpp"
#include "gather/sources.hpp"
#include "metrics/instrument_report.hpp"
#include "metrics/registry.hpp"
#include "metrics/self_metrics.hpp"
#include "multiprocess/process_set.hpp"
#include "multiprocess/set_loop.hpp"
#include "push/push_loop.hpp"
#include "serve/handler.hpp"
#include "serve/listener.hpp"

namespace promplug {

// What the host decides besides the configuration.
struct RuntimeOptions {
  ConfigInput input;
  bool no_listener = false;
  int listen_fd = -1;  // a listening socket of the host; -1: none
};

// What the host is told. Each may be empty, except log.
struct RuntimeHooks {
  Log::Sink log;
  std::function<void()> wake;
  std::function<void(const char* thread_name)> thread_enter;
  std::function<void()> thread_leave;
};

struct RuntimeStatus {
  bool listening = false;
  int listen_port = 0;
  bool pushing = false;
  bool forwarding = false;
  bool collector_stuck = false;
};

// The composition root: makes everything from a configuration, in the order in which the parts need
// each other, starts it, and stops it in the reverse order.
//
// Start, Stop, Reload and the fork functions are called by one thread at a time. The rest is
// thread-safe.
class Runtime {
 public:
  enum class State { kCreated, kRunning, kStopping, kStopped };

  // `config` comes from options.input. Starts nothing, and opens nothing but the segment of this
  // process where it is one of a set; what fails of that is told by Start(), and the process is
  // alone. `owner` is what Family::owner() of the instruments gives.
  Runtime(Config config, RuntimeOptions options, RuntimeHooks hooks, void* owner);
  // REQUIRES: not running, and no scrape open.
  ~Runtime();

  // In a set of processes the listener and the push are those of the process that leads; the others
  // take over when it is gone.
  // OK also if it runs already. What cannot be had (a busy port, no libcurl) is logged and answered
  // with kIo, while the rest runs. kState: a Stop has not ended. kNoMemory: nothing runs.
  Status Start();
  // In a set, only the last process that runs does it. The last push, as configured, then the end
  // of every thread. kTimeout: call again.
  Status Stop(Duration timeout);
  // As a whole or, on kConfig, not at all. Without options: those that it was made with. kNoMemory:
  // the listener or the push may be off until the next one.
  Status Reload(const RuntimeOptions* options);
  // In a set of processes: leaves listener and push to the others, soon after it has returned. This
  // one gets them again where nobody else takes them. Else nothing changes. kState: not running.
  Status StepDown();

  State state() const { return state_.load(std::memory_order_acquire); }
  bool running() const { return state() == State::kRunning; }

  Registry& instruments() { return instruments_; }
  Sources& sources() { return sources_; }
  ScrapeHandler& handler() { return *handler_; }
  const Clock& clock() const { return clock_; }
  const SelfMetrics& self() const { return self_; }
  RuntimeStatus status() const;
  // Of the last failure in the background; empty: none.
  std::string LastError() const;

  // `targets` as PROMPLUG_PUSH_*. kState: push is off or not running.
  Status PushNow(uint32_t targets, Duration timeout);

  // Scrapes that a host holds open, and calls that read or push; destroy() is refused while there
  // are any.
  void Enter() { users_.fetch_add(1); }
  void Leave() { users_.fetch_sub(1); }
  bool InUse() const { return users_.load() != 0; }
  // How often this instance went on in a fork child: what an earlier process began is not its own.
  // An AfterFork() that has not changed it has left the child inert.
  int fork_generation() const { return fork_generation_; }

  // Around fork(). Park: every thread stands where it holds nothing; kTimeout when one does not
  // come there within 2 s; kState when parked already.
  Status Park();
  // kState: not parked.
  Status Unpark();
  // In the child, after Park() in the parent (else kState): no thread and no connection of the
  // parent is left. With `restart` every value starts from zero and everything runs as after
  // Start(), whose failures it gives. kNoMemory, or std::bad_alloc, and the same
  // fork_generation(): some values are still the parent's, and no other process sees them; nothing
  // but updates is allowed.
  Status AfterFork(bool restart);

 private:
  void Maintain();
  void Apply(const Config& config);
  void ApplyLimits(const LimitsConfig& limits);
  Status StartParts();
  void UndoStart();
  // At a reload; `leads`: whether listener and push are this process's.
  Status RestartParts(const Config& before, const std::shared_ptr<const Config>& config,
                      bool other_options, bool leads);
  Status OwnListenFd();
  // `say`: whether a failure is logged.
  Status StartListener(const Config& config, bool say = true);
  Status StartPush(const std::shared_ptr<const Config>& config, bool say = true);
  std::shared_ptr<PushLoop> push() const;
  // Ends the loop that runs and those before it, as `end` does for each. kTimeout: they are kept,
  // call again.
  Status StopPush(const std::function<Status(PushLoop&)>& end);
  void LogStart(const Config& config) const;
  // runtime_set.cpp: this process as one of several.
  static std::unique_ptr<ProcessSet> JoinSet(const Config& config, const Clock& clock,
                                             const Log& log, Status* status);
  static Status GoesOnAlone(const Status& why);
  static Duration LongestCollection(const Config& config);
  void MakeSetLoop(const Config& config);
  SetLoopOptions SetLoopOptionsOf(const Config& config) const;
  Status StartSet(const std::shared_ptr<const Config>& config);
  Status LeaseChanged(LeaseChange change, bool again);
  Status TakeOver(const std::shared_ptr<const Config>& config, bool again);
  // What a stop does about the push, and whether it is to be made for that.
  OnStop LeaveSet(OnStop configured, TimePoint push_deadline);
  std::vector<PushedGroup> GroupsOfPredecessor(const Config& config) const;
  Status MoveSetAfterFork();
  Status ParkParts();
  Status LockForFork();
  Status UnlockAfterFork();

  const Clock& clock_;
  Log log_;
  RuntimeOptions options_;
  // Of options_.listen_fd: the host may close its own, and use the number again.
  bool owns_listen_fd_ = false;
  std::atomic<State> state_{State::kCreated};
  std::atomic<int> users_{0};
  int fork_generation_ = 0;
  // What the next loop inherits of those that have ended.
  std::vector<PushedGroup> pushed_groups_;
  bool parked_ = false;
  Status set_status_;  // why it is alone although it is to be one of a set
  // nullptr: this process is alone. It has the memory of instruments_.
  std::unique_ptr<ProcessSet> set_;
  Registry instruments_;
  SelfMetrics self_;
  InstrumentReport report_;
  Sources sources_;
  std::unique_ptr<MetricsHandler> handler_;
  std::unique_ptr<Listener> listener_;
  std::unique_ptr<SetPublisher> set_publisher_;
  // nullptr: this process is alone.
  std::unique_ptr<SetLoop> set_loop_;

  mutable std::mutex mutex_;
  // Guarded by mutex_; replaced by Reload().
  std::shared_ptr<const Config> config_;
  std::shared_ptr<PushLoop> push_;
  // Loops of earlier configurations whose end has to be waited for.
  std::vector<std::shared_ptr<PushLoop>> retiring_;
  std::string start_error_;
};

}  // namespace promplug
