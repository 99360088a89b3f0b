// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "config/config.hpp"
#include "gather/gatherer.hpp"
#include "metrics/self_metrics.hpp"
#include "push/client_slot.hpp"
#include "push/push_round.hpp"
#include "push/pushed_group.hpp"

namespace promplug {

// Pushes in the background, on one thread ("pp-push"): the application, then each forwarded
// exporter, every interval; nothing overlaps, what was missed is skipped. Thread-safe, but for
// Start, Stop, Park, Unpark and AbandonAfterFork, which one thread at a time calls. It calls the
// log with no lock held.
class PushLoop {
 public:
  // Copies `config`, whose pushgateway.url is set. `gatherer`, `self` (may be nullptr), `log`
  // and `clock` must outlive it.
  PushLoop(const Config& config, Gatherer& gatherer, SelfMetrics* self, const Log& log,
           const Clock& clock, ClientFactory factory = NewCurlClient);
  // Ends the thread, if it runs, without a last push.
  ~PushLoop();
  PushLoop(const PushLoop&) = delete;
  PushLoop& operator=(const PushLoop&) = delete;

  // Loads what pushing needs and starts the thread. `inherited`: pushed() of the loop before this
  // one. kState: it was started before. kInvalid: job, instance or a label cannot be a grouping
  // key. kIo: no libcurl. kNoMemory: no thread.
  Status Start(const std::vector<PushedGroup>& inherited = {});

  // Ends what is under way, soon, then does what `on_stop` says, then ends the thread. Returns at
  // `deadline` plus one second at the latest, then with kTimeout: call it again, for its end alone.
  // OK if not started.
  Status Stop(TimePoint deadline, OnStop on_stop);
  // The same where a loop with `next` follows, or none (its url is empty). The application's group
  // is left as on_stop of this configuration says, if `next` has another one; the groups of
  // exporters are deleted, where `next` has another gateway, and by when_gone.
  Status StopBefore(TimePoint deadline, const PushgatewayConfig& next);
  // The groups of exporters that are still at the gateway. REQUIRES: the thread has ended.
  std::vector<PushedGroup> pushed() const;

  // Pushes `targets` (kPush*, not 0) now, on the thread, and waits for it. kState: not running.
  // kIo: refused or not reached; the text says why. kTimeout: it goes on without the caller. A
  // skipped exporter is no failure.
  Status PushNow(uint32_t targets, Duration timeout);

  // Around fork(). Park ends the thread and its connections, so that a child inherits none; a push
  // under way gets 0.2 s to end and is redone after Unpark(). kTimeout after two seconds: nothing
  // has changed. OK if it does not run.
  Status Park();
  // Starts the thread again, in the parent, or in a child that is to go on pushing.
  Status Unpark();
  // In a child that is not: forgets the thread, and leaks what it may have been holding. Nothing
  // but the destructor may be called after it.
  void AbandonAfterFork();

  // Why the last push failed; empty when it did not.
  std::string last_error() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace promplug
