// SPDX-License-Identifier: MIT
#include "push/push_round.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "push/grouping_key.hpp"

namespace promplug {
namespace {

constexpr Duration kShortAttempt = std::chrono::seconds(2);
constexpr int64_t kLongestPeaceSeconds = 3600;

Duration Seconds(double seconds) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

uint64_t Seed(const Config& config, const Clock& clock) {
  return std::hash<std::string>()(config.pushgateway.instance) ^
         static_cast<uint64_t>(clock.Now().time_since_epoch().count());
}

}  // namespace

PushRound::PushRound(const Config& config, Gatherer& gatherer, SelfMetrics* self, const Log& log,
                     const Clock& clock, ClientFactory factory)
    : config_(config),
      gatherer_(gatherer),
      self_(self),
      log_(log),
      clock_(clock),
      client_(std::move(factory)),
      gateway_(config_.pushgateway, &client_),
      interruption_(clock),
      jitter_(Seed(config, clock)) {}

Status PushRound::Prepare() {
  const PushTools tools{config_, clock_, log_, self_, gateway_, interruption_, jitter_};
  const PushgatewayConfig& to = config_.pushgateway;
  Result<std::string> group = GroupPath(to.job, to.instance, to.labels);
  if (!group.ok()) return group.status();
  application_ = std::make_unique<ApplicationPush>(tools, std::move(group).value(), gatherer_);
  for (const ForwardConfig& forward : config_.forward) {
    group = GroupPath(forward.job, to.instance, to.labels);
    if (!group.ok()) return group.status();
    forwarders_.push_back(std::make_unique<Forwarder>(tools, forward, std::move(group).value(),
                                                      NewRelay(forward, &client_, self_)));
  }
  return client_.Fill();
}

PushBudget PushRound::BudgetFor(Duration reading) const {
  const Duration sending = Seconds(config_.pushgateway.timeout_seconds);
  return {clock_.Now() + reading + sending, reached_ ? sending : std::min(sending, kShortAttempt),
          reached_};
}

void PushRound::Note(const PushOutcome& outcome, uint32_t target, Status* status,
                     RoundResult* result) {
  if (outcome.cancelled) {
    result->cancelled |= target;
    return;
  }
  if (outcome.ok()) return;
  if (status->ok()) *status = Status(Code::kIo, outcome.text);
  reached_ = reached_ && outcome.result != PushResult::kUnreachable &&
             outcome.result != PushResult::kTimeout;
  if (outcome.retry_after_seconds > 0) {
    const auto peace =
        std::chrono::seconds(std::min(outcome.retry_after_seconds, kLongestPeaceSeconds));
    result->not_before = std::max(result->not_before, clock_.Now() + peace);
  }
}

RoundResult PushRound::Run(uint32_t targets) {
  RoundResult result;
  reached_ = true;
  if ((targets & kPushApplication) != 0) {
    const PushOutcome outcome = application_->Push(BudgetFor(Duration::zero()));
    Note(outcome, kPushApplication, &result.application, &result);
  }
  if ((targets & kPushForwards) == 0) return result;
  for (const auto& forwarder : forwarders_) {
    if (result.cancelled != 0 || interruption_.interrupted()) {
      result.cancelled |= kPushForwards;
      break;
    }
    const PushOutcome outcome =
        forwarder->Push(BudgetFor(Seconds(forwarder->config().timeout_seconds)));
    Status status;
    Note(outcome, kPushForwards, &status, &result);
    if (!status.ok() && result.forwards.ok()) {
      result.forwards = Status(status.code(), forwarder->config().job + ": " + status.text());
    }
  }
  return result;
}

void PushRound::Last(OnStop on_stop, TimePoint deadline) {
  if (on_stop == OnStop::kPush) {
    const TimePoint latest =
        std::min(deadline, clock_.Now() + Seconds(config_.pushgateway.timeout_seconds));
    (void)application_->Push({latest, Duration::max(), false});
  } else if (on_stop == OnStop::kDelete) {
    PushOutcome outcome = application_->Delete(deadline);
    for (const auto& forwarder : forwarders_) {
      const PushOutcome deleted = forwarder->DeletePushed(deadline);
      if (outcome.ok()) outcome = deleted;
    }
    if (!outcome.ok()) log_.Warn("a group could not be deleted on stop: " + outcome.text);
  }
}

void PushRound::InterruptAll() {
  interruption_.Interrupt();
  client_.Interrupt();
}

void PushRound::ClearInterrupts() {
  interruption_.Clear();
  client_.ClearInterrupt();
}

}  // namespace promplug
