// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "gather/collector_writer.hpp"
#include "gather/gatherer.hpp"
#include "metrics/labels.hpp"
#include "metrics/registry.hpp"
#include "metrics/self_metrics.hpp"

namespace promplug {

class SetLoop;

// A callback of the host that says whole families.
struct CollectorSpec {
  std::string name;  // not empty, UTF-8, distinct among the collectors
  // Any failure, or an exception, drops the output of the run. Never entered twice at once.
  std::function<Status(CollectorWriter&)> collect;
  // May be empty. Called exactly once, when collect can never run again, by whichever thread finds
  // that out, without a lock held. Must not throw.
  std::function<void()> release;
  Duration timeout{};        // zero: SourcesOptions::collector_timeout
  Duration min_interval{};   // above zero: the last output is used again for this long
  bool on_loop = false;      // runs inside RunPending() only
  bool one_process = false;  // of a set of processes, only the one that leads runs it
};

enum class CellType { kU64, kI64, kF64 };

// One series of a counter or gauge: a function of the host, or a cell of its memory.
struct ValueSpec {
  MetricType type = MetricType::kGauge;
  std::string_view name;
  std::string_view help;
  std::vector<Label> labels;
  ProcessMode process_mode = ProcessMode::kDefault;
  // A failure or an exception leaves the series out. Never entered twice at once. Empty: the cell.
  std::function<Status(double*)> read;
  CellType cell_type = CellType::kF64;
  const void* cell = nullptr;     // 8 bytes, aligned; read atomically until it is unregistered
  std::function<void()> release;  // as of a collector
};

// Replaceable while everything runs.
struct SourcesOptions {
  Duration collector_timeout = std::chrono::seconds(2);  // of one callback, from its begin
  uint64_t max_output_bytes = 16u << 20;                 // of one run of a collector
  bool process_metrics = true;
  bool self_metrics = true;
};

// Each may be empty. Called without a lock held; must not throw.
struct SourcesHooks {
  std::function<void()> wake;  // a collector with on_loop is due; any thread
  // First and last on each thread that runs callbacks.
  std::function<void(const char* thread_name)> thread_enter;
  std::function<void()> thread_leave;
  // About four times a second on the thread pp-house.
  std::function<void()> maintain;
};

// Everything that can be asked for metrics, as one: instruments, the host's collectors and values,
// process and self metrics.
//
// Callbacks run one after the other on the thread pp-collect, each with a deadline: its timeout, or
// the deadline of the gathers that wait for it, whichever is first. One that is late is given up:
// its output is dropped, a fresh thread goes on with the others, and gathers leave it out at once
// until it has returned. At most kMaxStuck callbacks can hold a thread like that; with one more,
// those that are due are left out too. Gathers that ask while a callback is inside share its run.
// What fails is counted (SelfMetrics::Collected) and logged when that changes.
//
// Thread-safe except where stated. No lock is held while a callback runs.
class Sources final : public Gatherer {
 public:
  static constexpr size_t kMaxStuck = 3;

  // `instruments`, `self` (may be null), `log` and `clock` must outlive this and every Gathering
  // that comes from it. Starts nothing.
  Sources(Registry& instruments, SelfMetrics* self, const Log& log, const Clock& clock,
          SourcesOptions options, SourcesHooks hooks);
  // Stops, and waits for callbacks without a limit; releases what is registered.
  // REQUIRES: every GatherRun is destroyed.
  ~Sources() override;

  // From now on gathers of the whole instance show the view of the set; nullptr: of this process
  // alone. No gather may be under way. `set` must outlive its use, and every Gathering.
  void UseSet(SetLoop* set);

  // Counts and says once what a merge of several processes leaves out, as Refusals::Refuse().
  void Refuse(std::string_view reason, std::string_view family, const std::string& text);

  // Replaces the options; a gather that has begun keeps the old ones.
  void SetOptions(const SourcesOptions& options);

  // The number of the registration; never 0, never used again. The spec's release is called only
  // after success. kInvalid: no name or no function. kExists: the name is taken. kUnsupported:
  // on_loop without a wake hook.
  Result<uint64_t> RegisterCollector(CollectorSpec spec);
  // kInvalid: not a counter or gauge, a name, help or label that is not valid, a process mode that
  // the type has not, neither function nor cell, or a cell that is not aligned. kExists: this
  // series is registered, or the name with another type or process mode.
  Result<uint64_t> RegisterValue(ValueSpec spec);
  // From now on the callback is not entered, and its series are left out. Waits until it has
  // returned. OK: it has left and release was called. kTimeout: it is still inside; release follows
  // when it returns; calling again waits again. kNotFound. kReentrant: from inside a callback;
  // nothing is changed.
  Status Unregister(uint64_t id, Duration timeout);

  // Whether the calling thread is inside a callback of this object. Takes no lock.
  bool InsideCallback() const;
  // Runs the due on_loop collectors on this thread, beginning none after `max`. Whether some are
  // left. REQUIRES: !InsideCallback().
  bool RunPending(Duration max);
  // Whether a callback is late and has not returned.
  bool AnyStuck() const;

  // The run is ready at once when it has no callback to wait for, or the threads do not run (then
  // callbacks are left out). `ready` is called exactly once otherwise, even if the run became ready
  // before this returned; from a thread of the plugin, or from one that is inside RunPending, Wait,
  // Unregister or Stop. Destroying the run waits for a ready callback that is just being called
  // on another thread, so hold no lock that it takes.
  std::unique_ptr<GatherRun> Start(GatherRequest request, std::function<void()> ready) override;

  // Starts the threads; OK if they run. kState: Stop has not ended. kNoMemory: no thread to be had.
  // One at a time with Stop, Park, Unpark and AbandonAfterFork.
  Status StartThreads();
  // Ends the threads; runs that wait are ready then. kTimeout: a callback is still inside; call
  // again. kReentrant. OK: no thread is left, those of late callbacks included.
  Status Stop(Duration timeout);

  // Before fork(): ends the threads and takes the lock, so that a child finds everything at rest.
  // kTimeout: a callback did not return within `timeout`; nothing has changed then. After OK
  // nothing but InsideCallback() returns on any thread until the same thread has called one of the
  // following.
  Status Park(Duration timeout);
  // In the parent. kNoMemory: the threads could not be started again.
  Status Unpark();
  // In the child: forgets the threads, the callbacks under way and the runs of other threads. The
  // threads do not run; StartThreads() starts them anew.
  void AbandonAfterFork();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace promplug
