// SPDX-License-Identifier: MIT
#include "runtime.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "push/start_lines.hpp"
#include "version.hpp"

namespace promplug {
namespace {

constexpr Duration kSendTimeout = std::chrono::seconds(20);
constexpr Duration kStopReserve = std::chrono::milliseconds(500);
constexpr Duration kLongestPushEnd = std::chrono::seconds(3);  // at a reload
constexpr Duration kLongestUndo = std::chrono::seconds(1);     // of a start
constexpr Duration kLeastStop = std::chrono::milliseconds(100);

SourcesOptions SourcesOptionsOf(const Config& config) {
  SourcesOptions options;
  options.collector_timeout = FromSeconds(config.collectors.timeout_seconds);
  options.max_output_bytes = config.collectors.max_output_bytes;
  options.process_metrics = config.process_metrics;
  options.self_metrics = config.self_metrics;
  return options;
}

std::shared_ptr<const ScrapeConfig> ScrapeConfigOf(const Config& config) {
  return std::make_shared<const ScrapeConfig>(config.scrape);
}

// The first failure names what the host is told; the others are in the log.
void Keep(Status* first, Status status) {
  if (first->ok()) *first = std::move(status);
}

}  // namespace

Runtime::Runtime(Config config, RuntimeOptions options, RuntimeHooks hooks, void* owner)
    : clock_(Clock::Real()),
      log_(std::move(hooks.log), config.log_level),
      options_(std::move(options)),
      set_(JoinSet(config, clock_, log_, &set_status_)),
      instruments_(clock_, owner, set_ != nullptr ? set_->memory() : MetricMemory::Heap()),
      self_(clock_, kVersion),
      report_(instruments_, &self_, log_),
      sources_(instruments_, &self_, log_, clock_, SourcesOptionsOf(config),
               SourcesHooks{std::move(hooks.wake), std::move(hooks.thread_enter),
                            std::move(hooks.thread_leave), [this] { Maintain(); }}),
      handler_(NewScrapeHandler(sources_, &self_, clock_, ScrapeConfigOf(config))),
      listener_(std::make_unique<Listener>(*handler_, clock_, log_)),
      config_(std::make_shared<const Config>(std::move(config))) {
  ApplyLimits(config_->limits);
  if (set_ != nullptr) MakeSetLoop(*config_);
}

Runtime::~Runtime() {
  if (owns_listen_fd_) ::close(options_.listen_fd);
}

void Runtime::Maintain() {
  instruments_.Maintain();
  self_.registry().Maintain();
  report_.Update();
}

void Runtime::ApplyLimits(const LimitsConfig& limits) {
  instruments_.SetDefaultMaxSeries(limits.max_series_per_family);
  instruments_.SetSeriesExpiry(std::chrono::seconds(limits.series_expiry_seconds));
}

void Runtime::Apply(const Config& config) {
  log_.SetLowest(config.log_level);
  sources_.SetOptions(SourcesOptionsOf(config));
  ApplyLimits(config.limits);
  handler_->UpdateConfig(ScrapeConfigOf(config));
  if (set_loop_ == nullptr) return;
  set_loop_->SetOptions(SetLoopOptionsOf(config));
  set_publisher_->SetTimeout(LongestCollection(config));
}

void Runtime::LogStart(const Config& config) const {
  for (const std::string& warning : config.warnings) log_.Warn(warning);
  if (!set_status_.ok()) log_.Error(set_status_.text());
  LogPushState(config, log_);
}

Status Runtime::OwnListenFd() {
  if (options_.listen_fd < 0 || owns_listen_fd_) return Status();
  const int own = ::fcntl(options_.listen_fd, F_DUPFD_CLOEXEC, 0);
  if (own < 0) {
    return Status(Code::kInvalid, "options.listen_fd " + std::to_string(options_.listen_fd) +
                                      " is not an open descriptor");
  }
  options_.listen_fd = own;
  owns_listen_fd_ = true;
  return Status();
}

Status Runtime::StartListener(const Config& config, bool say) {
  const bool wanted = !config.scrape.listen.empty() || options_.listen_fd >= 0;
  if (!wanted || options_.no_listener) return Status();
  Status owned = OwnListenFd();
  if (!owned.ok()) {
    if (say) log_.Error(owned.text());
    return owned;
  }
  ListenerOptions options;
  options.address = config.scrape.listen;
  options.fd = options_.listen_fd;
  // Gathering has its own limit; this one is for a client that does not read.
  options.answer_timeout = FromSeconds(config.scrape.timeout_seconds) + kSendTimeout;
  Status status = listener_->Start(options);
  if (status.ok()) return status;
  const char* outlook = listener_->running() ? "; it is tried again in the background" : "";
  if (say) log_.Error("scrape.listen: " + status.text() + outlook);
  return status;
}

Status Runtime::StartPush(const std::shared_ptr<const Config>& config, bool say) {
  if (config->pushgateway.url.empty()) return Status();
  auto push = std::make_shared<PushLoop>(*config, sources_, &self_, log_, clock_);
  Status status = push->Start(pushed_groups_);
  if (!status.ok()) {
    if (say) log_.Error("pushing is off: " + status.text());
    return status;
  }
  pushed_groups_.clear();
  std::lock_guard lock(mutex_);
  push_ = std::move(push);
  return status;
}

Status Runtime::Start() {
  if (running()) return Status();
  if (state() == State::kStopping) return Status(Code::kState, "stop() has not ended");
  Status threads = sources_.StartThreads();
  if (!threads.ok()) return threads;
  try {
    Status first = StartParts();
    state_.store(State::kRunning, std::memory_order_release);
    return first;
  } catch (const std::bad_alloc&) {
    UndoStart();
    return Status(Code::kNoMemory, {});
  }
}

Status Runtime::StartParts() {
  std::shared_ptr<const Config> config;
  {
    std::lock_guard lock(mutex_);
    config = config_;
  }
  LogStart(*config);
  Status first = set_status_;
  if (set_loop_ != nullptr) {
    Keep(&first, StartSet(config));
  } else {
    Keep(&first, StartListener(*config));
    Keep(&first, StartPush(config));
  }
  std::lock_guard lock(mutex_);
  start_error_ = first.text();
  return first;
}

// Must do without memory.
void Runtime::UndoStart() {
  std::shared_ptr<PushLoop> push;
  {
    std::lock_guard lock(mutex_);
    push.swap(push_);
  }
  if (set_loop_ != nullptr) (void)set_loop_->Pause(TimePoint::min());
  push.reset();
  listener_->Stop();
  if (set_loop_ != nullptr) set_loop_->Stop();
  // What does not end in time is for Stop().
  (void)sources_.Stop(kLongestUndo);
}

Status Runtime::StopPush(const std::function<Status(PushLoop&)>& end) {
  std::vector<std::shared_ptr<PushLoop>> loops;
  {
    std::lock_guard lock(mutex_);
    if (push_ != nullptr) retiring_.push_back(std::exchange(push_, nullptr));
    loops = retiring_;
  }
  Status first;
  for (const std::shared_ptr<PushLoop>& loop : loops) {
    Status status = end(*loop);
    if (status.ok()) {
      const std::vector<PushedGroup> pushed = loop->pushed();
      pushed_groups_.insert(pushed_groups_.end(), pushed.begin(), pushed.end());
      std::lock_guard lock(mutex_);
      std::erase(retiring_, loop);
    }
    Keep(&first, std::move(status));
  }
  return first;
}

Status Runtime::Stop(Duration timeout) {
  // Also what a start that failed could not end.
  if (state() == State::kCreated || state() == State::kStopped) return sources_.Stop(timeout);
  const TimePoint deadline = clock_.Now() + timeout;
  // A last push to a peer that hangs takes all it is given; the rest needs a little, too.
  const TimePoint push_deadline = deadline - std::min<Duration>(timeout / 5, kStopReserve);
  state_.store(State::kStopping, std::memory_order_release);
  OnStop on_stop;
  {
    std::lock_guard lock(mutex_);
    on_stop = config_->pushgateway.on_stop;
  }
  if (set_loop_ != nullptr) on_stop = LeaveSet(on_stop, push_deadline);
  Status status = StopPush([&](PushLoop& loop) { return loop.Stop(push_deadline, on_stop); });
  if (!status.ok()) return status;
  listener_->Stop();
  if (set_loop_ != nullptr) set_loop_->Stop();
  status = sources_.Stop(std::max<Duration>(deadline - clock_.Now(), kLeastStop));
  if (!status.ok()) return status;
  state_.store(State::kStopped, std::memory_order_release);
  return status;
}

Status Runtime::Reload(const RuntimeOptions* options) {
  if (state() == State::kStopping) return Status(Code::kState, "stop() has not ended");
  Result<Config> loaded = LoadConfig(options != nullptr ? options->input : options_.input);
  if (!loaded.ok()) return loaded.status();
  const auto config = std::make_shared<const Config>(std::move(loaded).value());
  std::shared_ptr<const Config> before;
  {
    std::lock_guard lock(mutex_);
    before = std::exchange(config_, config);
  }
  const bool other_options = options != nullptr;
  if (other_options) {
    if (owns_listen_fd_) ::close(options_.listen_fd);
    owns_listen_fd_ = false;
    options_ = *options;
  }
  Apply(*config);
  if (!running()) return Status();
  const bool leads = set_loop_ == nullptr || set_loop_->Pause(TimePoint::min());
  Status status = RestartParts(*before, config, other_options, leads);
  if (set_loop_ != nullptr) set_loop_->Resume(status.ok());
  return status;
}

Status Runtime::RestartParts(const Config& before, const std::shared_ptr<const Config>& config,
                             bool other_options, bool leads) {
  // What changes hands is ended first: two loops for one group, or two listeners on one port, would
  // be in each other's way.
  const TimePoint push_deadline = clock_.Now() + kLongestPushEnd;
  // A loop that does not end in time is kept aside; stop() ends it.
  (void)StopPush(
      [&](PushLoop& loop) { return loop.StopBefore(push_deadline, config->pushgateway); });
  self_.PushesChanged();
  log_.Info("configuration reloaded");
  if (before.multiprocess.dir != config->multiprocess.dir) {
    log_.Warn("multiprocess.dir: a change takes effect when the process starts anew");
  }
  LogStart(*config);
  Status first;
  const bool missing = !config->scrape.listen.empty() && !listener_->running();
  if (before.scrape.listen != config->scrape.listen || other_options || missing ||
      before.scrape.timeout_seconds != config->scrape.timeout_seconds) {
    listener_->Stop();
    if (leads) first = StartListener(*config);
  }
  if (leads) Keep(&first, StartPush(config));
  std::lock_guard lock(mutex_);
  start_error_ = first.text();
  return first;
}

std::shared_ptr<PushLoop> Runtime::push() const {
  std::lock_guard lock(mutex_);
  return push_;
}

RuntimeStatus Runtime::status() const {
  RuntimeStatus status;
  status.listen_port = listener_->port();
  status.listening = status.listen_port != 0;
  status.collector_stuck = sources_.AnyStuck();
  std::lock_guard lock(mutex_);
  status.pushing = push_ != nullptr;
  status.forwarding = push_ != nullptr && !config_->forward.empty();
  return status;
}

std::string Runtime::LastError() const {
  if (const std::shared_ptr<PushLoop> push = this->push()) {
    std::string text = push->last_error();
    if (!text.empty()) return text;
  }
  std::lock_guard lock(mutex_);
  return start_error_;
}

Status Runtime::PushNow(uint32_t targets, Duration timeout) {
  const std::shared_ptr<PushLoop> push = this->push();
  if (push == nullptr) {
    const bool other = set_loop_ != nullptr && !set_loop_->leads();
    return Status(Code::kState, other ? "another process of the set pushes" : "push is off");
  }
  return push->PushNow(targets, timeout);
}

}  // namespace promplug
