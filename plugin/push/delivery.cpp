// SPDX-License-Identifier: MIT
#include "push/delivery.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace promplug {
namespace {

PushOutcome NotStaged(const Status& why) {
  PushOutcome outcome;
  outcome.cancelled = why.code() == Code::kCancelled;
  outcome.text = why.text();
  return outcome;
}

PushOutcome NoTimeLeft() {
  PushOutcome outcome;
  outcome.result = PushResult::kTimeout;
  outcome.text = "no time was left to send it";
  return outcome;
}

}  // namespace

PushOutcome Delivery::Push(const Stage& stage, const PushBudget& budget) {
  const TimePoint begin = tools_.clock.Now();
  quarantine_.BeginPush();
  PushOutcome outcome = PushStaged(stage, budget);
  if (outcome.ok()) Release();
  if (tools_.self != nullptr) tools_.self->Quarantined(target_, quarantine_.held().size());
  // What it means that there was nothing to send is known to the target alone.
  if (tools_.self != nullptr && !outcome.cancelled && outcome.staged) {
    tools_.self->Pushed(target_, outcome.result, tools_.clock.Now() - begin, outcome.body_bytes);
  }
  return outcome;
}

PushOutcome Delivery::PushStaged(const Stage& stage, const PushBudget& budget) {
  for (;;) {
    Status why;
    const std::unique_ptr<StagedBody> body = stage(quarantine_.held(), &why);
    if (body == nullptr) return NotStaged(why);
    PushOutcome outcome = Send(body.get(), budget);
    outcome.staged = true;
    outcome.body_bytes = body->size();
    if (outcome.ok() || outcome.cancelled || !HoldBack(outcome)) return outcome;
  }
}

PushOutcome Delivery::Send(StagedBody* body, const PushBudget& budget) {
  PushOutcome outcome = NoTimeLeft();
  for (int failures = 1;; ++failures) {
    const TimePoint now = tools_.clock.Now();
    if (now >= budget.deadline) return outcome;
    outcome = tools_.gateway.Push(group_, body, std::min(budget.deadline - now, budget.exchange));
    if (!outcome.may_retry || !budget.retry) return outcome;
    const auto next = NextAttempt(tools_.clock.Now(), budget.deadline, failures,
                                  tools_.jitter.Next(), outcome.retry_after_seconds);
    if (!next.has_value()) return outcome;
    if (!tools_.interruption.WaitUntil(*next)) {
      outcome.cancelled = true;
      return outcome;
    }
  }
}

// Whether redoing the push without the families that were refused may succeed.
bool Delivery::HoldBack(const PushOutcome& outcome) {
  const std::vector<std::string> fresh = quarantine_.Hold(outcome.refused_families);
  for (const std::string& family : fresh) {
    if (!quarantine_.IsNew(family)) continue;
    tools_.log.Warn("push of " + target_ + ": family " + Quoted(family) +
                    " is left out because the Pushgateway refuses it: " + outcome.text);
  }
  return !fresh.empty();
}

void Delivery::Release() {
  for (const std::string& family : quarantine_.Accepted()) {
    tools_.log.Info("push of " + target_ + ": family " + Quoted(family) + " is accepted again");
  }
}

PushOutcome Delivery::Delete(TimePoint deadline) {
  const TimePoint now = tools_.clock.Now();
  return now < deadline ? tools_.gateway.Delete(group_, deadline - now) : NoTimeLeft();
}

}  // namespace promplug
