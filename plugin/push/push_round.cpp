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
      jitter_(Seed(config, clock)),
      left_log_(log, clock, "deleting groups that are forwarded no more") {}

Status PushRound::Prepare(const std::vector<PushedGroup>& inherited) {
  const PushTools tools{config_, clock_, log_, self_, gateway_, interruption_, jitter_};
  const PushgatewayConfig& to = config_.pushgateway;
  Result<std::string> group = GroupPath(to.job, to.instance, to.labels);
  if (!group.ok()) return group.status();
  application_group_ = group.value();
  application_ = std::make_unique<ApplicationPush>(tools, application_group_, gatherer_);
  for (const ForwardConfig& forward : config_.forward) {
    group = GroupPath(forward.job, to.instance, to.labels);
    if (!group.ok()) return group.status();
    forwarders_.push_back(std::make_unique<Forwarder>(tools, forward, std::move(group).value(),
                                                      NewRelay(forward, &client_, self_)));
  }
  Inherit(inherited);
  return client_.Fill();
}

void PushRound::Inherit(const std::vector<PushedGroup>& inherited) {
  for (const PushedGroup& group : inherited) {
    if (group.gateway != config_.pushgateway.url || group.path == application_group_) continue;
    const auto heir = std::find_if(forwarders_.begin(), forwarders_.end(),
                                   [&](const auto& f) { return f->group() == group.path; });
    if (heir != forwarders_.end()) {
      (*heir)->TakeOver();
    } else if (group.when_gone == WhenGone::kDelete) {
      left_.push_back(group);
    }
  }
}

PushBudget PushRound::BudgetFor(Duration reading) const {
  const Duration sending = FromSeconds(config_.pushgateway.timeout_seconds);
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
        forwarder->Push(BudgetFor(FromSeconds(forwarder->config().timeout_seconds)));
    Status status;
    Note(outcome, kPushForwards, &status, &result);
    if (!status.ok() && result.forwards.ok()) {
      result.forwards = Status(status.code(), forwarder->config().job + ": " + status.text());
    }
  }
  DeleteLeft();
  return result;
}

// One that cannot be deleted now is tried again with the next round.
void PushRound::DeleteLeft() {
  while (!left_.empty() && reached_ && !interruption_.interrupted()) {
    const PushOutcome outcome =
        gateway_.Delete(left_.back().path, FromSeconds(config_.pushgateway.timeout_seconds));
    if (outcome.cancelled) return;
    if (!outcome.ok()) return left_log_.Failed("delete", outcome.text);
    log_.Info("the group of " + left_.back().job +
              " was deleted at the Pushgateway, because it is forwarded no more");
    left_.pop_back();
    if (left_.empty()) left_log_.Worked();
  }
}

void PushRound::Last(const LastWork& work, TimePoint deadline) {
  PushOutcome deleted;
  deleted.result = PushResult::kOk;
  if (work.application == OnStop::kPush) {
    const TimePoint latest =
        std::min(deadline, clock_.Now() + FromSeconds(config_.pushgateway.timeout_seconds));
    // Interrupted is what a stop does when its time is over.
    if (application_->Push({latest, Duration::max(), false}).cancelled) {
      log_.Warn(
          "the last push of the application did not end in the time of the stop, and is lost");
    }
  } else if (work.application == OnStop::kDelete) {
    deleted = application_->Delete(deadline);
  }
  const PushOutcome forwarded = DeleteForwarded(work.forwarded, deadline);
  if (deleted.ok()) deleted = forwarded;
  if (!deleted.ok()) log_.Warn("a group could not be deleted at the end: " + deleted.text);
}

// The first failure, or kOk.
PushOutcome PushRound::DeleteForwarded(LastWork::Groups which, TimePoint deadline) {
  PushOutcome first;
  first.result = PushResult::kOk;
  if (which == LastWork::Groups::kStay) return first;
  const auto keep = [&first](PushOutcome outcome) {
    if (first.ok() && !outcome.ok()) first = std::move(outcome);
  };
  for (const auto& forwarder : forwarders_) {
    const bool stays = which == LastWork::Groups::kDeleteAsGone &&
                       forwarder->config().when_gone == WhenGone::kKeep;
    if (!stays) keep(forwarder->DeletePushed(deadline));
  }
  std::erase_if(left_, [&](const PushedGroup& group) {
    const Duration time_left = deadline - clock_.Now();
    if (time_left <= Duration::zero()) return false;
    PushOutcome outcome = gateway_.Delete(group.path, time_left);
    const bool gone = outcome.ok();
    keep(std::move(outcome));
    return gone;
  });
  return first;
}

LastWork PushRound::WorkBefore(const PushgatewayConfig& next) const {
  const PushgatewayConfig& now = config_.pushgateway;
  LastWork work;
  if (now.url != next.url) work.forwarded = LastWork::Groups::kDeleteAsGone;
  const bool same_group = now.url == next.url && now.job == next.job &&
                          now.instance == next.instance && now.labels == next.labels;
  if (!same_group) work.application = now.on_stop;
  return work;
}

std::vector<PushedGroup> PushRound::pushed() const {
  std::vector<PushedGroup> groups = left_;
  for (const auto& forwarder : forwarders_) {
    const ForwardConfig& config = forwarder->config();
    if (!forwarder->pushed()) continue;
    groups.push_back({config_.pushgateway.url, forwarder->group(), config.job, config.when_gone});
  }
  return groups;
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
