// SPDX-License-Identifier: MIT
// The runtime of a process that is one of a set.
#include <algorithm>
#include <utility>

#include "push/grouping_key.hpp"
#include "runtime.hpp"

namespace promplug {
namespace {

// Beyond the timeout of each collector, for those that come one after the other.
constexpr Duration kCollectReserve = std::chrono::seconds(3);
constexpr Duration kLongestPublish = std::chrono::seconds(1);  // at a stop
// At a stop, for set.lock: others may be folding, or leaving one after the other.
constexpr Duration kLeastLeave = std::chrono::milliseconds(100);
constexpr Duration kLongestLeave = std::chrono::seconds(30);
constexpr Duration kLongestLoss = std::chrono::seconds(3);  // of the lease

}  // namespace

std::unique_ptr<ProcessSet> Runtime::JoinSet(const Config& config, const Clock& clock,
                                             const Log& log, Status* status) {
  if (config.multiprocess.dir.empty()) return nullptr;
  ProcessSetOptions options;
  options.directory = config.multiprocess.dir;
  options.allow_disk = config.multiprocess.allow_disk;
  options.max_segment_bytes = config.multiprocess.max_segment_bytes;
  options.keep_totals = config.multiprocess.on_restart == OnRestart::kKeep;
  Result<std::unique_ptr<ProcessSet>> set = ProcessSet::Join(options, clock, log);
  if (set.ok()) return std::move(set).value();
  *status = GoesOnAlone(set.status());
  return nullptr;
}

Status Runtime::GoesOnAlone(const Status& why) {
  return Status(Code::kIo, "multiprocess.dir: " + why.text() + "; this process goes on by itself");
}

SetLoopOptions Runtime::SetLoopOptionsOf(const Config& config) const {
  SetLoopOptions options;
  options.collect_interval = FromSeconds(config.multiprocess.collect_interval_seconds);
  options.fold.expiry = std::chrono::seconds(config.limits.series_expiry_seconds);
  options.fold.max_series = config.limits.max_series_per_family;
  return options;
}

Duration Runtime::LongestCollection(const Config& config) {
  return FromSeconds(config.collectors.timeout_seconds) + kCollectReserve;
}

void Runtime::MakeSetLoop(const Config& config) {
  set_publisher_ = std::make_unique<SetPublisher>(sources_, clock_, LongestCollection(config));
  SetLoopHooks hooks;
  hooks.lease_changed = [this](LeaseChange change, bool again) {
    return LeaseChanged(change, again);
  };
  hooks.refuse = [this](std::string_view reason, std::string_view family, std::string text) {
    sources_.Refuse(reason, family, text);
  };
  set_loop_ = std::make_unique<SetLoop>(*set_, *set_publisher_, log_, clock_,
                                        SetLoopOptionsOf(config), std::move(hooks));
  sources_.UseSet(set_loop_.get());
}

Status Runtime::StartSet(const std::shared_ptr<const Config>& config) {
  set_->Run();
  // Whoever gets the lease at once listens before start() returns, as a process that is alone does.
  const bool leads = set_loop_->Pause(clock_.Now() + std::chrono::milliseconds(1));
  Status first = set_loop_->Start();
  if (first.ok()) {
    log_.Info("one of the processes of " + config->multiprocess.dir + ": worker " +
              std::to_string(set_->worker()) + (leads ? ", the one that pushes and listens" : ""));
    if (leads) {
      first = StartListener(*config);
      Status pushing = StartPush(config);
      if (first.ok()) first = pushing;
    }
  }
  set_loop_->Resume(first.ok());
  return first;
}

// An exporter that has gone together with the process that forwarded it leaves a group behind. Of a
// set that begins nobody has forwarded anything: there, a group is somebody else's.
std::vector<PushedGroup> Runtime::GroupsOfPredecessor(const Config& config) const {
  std::vector<PushedGroup> groups = pushed_groups_;
  const PushgatewayConfig& gateway = config.pushgateway;
  if (gateway.url.empty()) return groups;
  for (const ForwardConfig& forward : config.forward) {
    const Result<std::string> path = GroupPath(forward.job, gateway.instance, gateway.labels);
    if (path.ok()) groups.push_back({gateway.url, path.value(), forward.job, forward.when_gone});
  }
  return groups;
}

Status Runtime::LeaseChanged(LeaseChange change, bool again) {
  std::shared_ptr<const Config> config;
  {
    std::lock_guard lock(mutex_);
    config = config_;
  }
  if (change == LeaseChange::kTaken) return TakeOver(config, again);
  if (again) {
    // Said before.
  } else if (change == LeaseChange::kLost) {
    log_.Warn("another process pushes and listens for the set from now on");
  } else {
    log_.Info("this process, worker " + std::to_string(set_->worker()) +
              ", leaves pushing and listening to the others of its set");
  }
  const TimePoint deadline = clock_.Now() + kLongestLoss;
  // What does not end in time is ended by stop().
  (void)StopPush([&](PushLoop& loop) { return loop.Stop(deadline, OnStop::kNothing); });
  pushed_groups_.clear();
  listener_->Stop();
  return Status();
}

// Each part that is not there yet; OK: all are, or a port is tried again in the background.
Status Runtime::TakeOver(const std::shared_ptr<const Config>& config, bool again) {
  if (!again) {
    log_.Info("this process, worker " + std::to_string(set_->worker()) +
              ", pushes and listens for its set from now on");
    pushed_groups_ = GroupsOfPredecessor(*config);
  }
  Status first;
  if (!listener_->running()) {
    Status listening = StartListener(*config, !again);
    if (!listener_->running()) first = std::move(listening);
  }
  if (push() == nullptr) {
    Status pushing = StartPush(config, !again);
    if (first.ok()) first = std::move(pushing);
  }
  if (again && first.ok()) log_.Info("what failed of it works now");
  return first;
}

Status Runtime::StepDown() {
  if (!running()) return Status(Code::kState, "the instance does not run");
  if (set_loop_ != nullptr) set_loop_->StepDown();
  return Status();
}

OnStop Runtime::LeaveSet(OnStop configured, TimePoint push_deadline) {
  const auto part = [&](int of) { return (push_deadline - clock_.Now()) / of; };
  const auto publish = [&] {
    set_loop_->Publish(clock_.Now() + std::min<Duration>(part(4), kLongestPublish));
  };
  publish();
  const bool last = set_->Leave(std::clamp<Duration>(part(2), kLeastLeave, kLongestLeave));
  const bool led = set_loop_->leads();
  // The one that had the lease may just be on its way out.
  const bool leads = set_loop_->Pause(last ? clock_.Now() + part(2) : TimePoint::min());
  // What one process says for all is said by this one now.
  if (last && leads && !led) publish();
  if (!last) return OnStop::kNothing;
  std::shared_ptr<const Config> config;
  {
    std::lock_guard lock(mutex_);
    config = config_;
  }
  if (push() == nullptr) {
    pushed_groups_ = GroupsOfPredecessor(*config);
    (void)StartPush(config);
  }
  return configured;
}

Status Runtime::MoveSetAfterFork() {
  // Threads of the parent may have been inside.
  if (set_loop_ != nullptr) {
    set_loop_->AbandonAfterFork();
    (void)set_loop_.release();
    (void)set_publisher_.release();
  }
  sources_.UseSet(nullptr);
  return set_->MoveAfterFork();
}

}  // namespace promplug
