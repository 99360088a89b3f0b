// SPDX-License-Identifier: MIT
#include "push/application_push.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "exposition/stream.hpp"

namespace promplug {
namespace {

// The name that the text format gives to an info family ends in _info.
bool IsExcluded(const FamilyHead& head, const std::set<std::string>& exclude) {
  if (exclude.empty()) return false;
  const std::string name(head.name);
  return exclude.count(name) != 0 ||
         (head.type == MetricType::kInfo && exclude.count(name + "_info") != 0);
}

}  // namespace

ApplicationPush::ApplicationPush(const PushTools& tools, std::string group, Gatherer& gatherer)
    : tools_(tools),
      gatherer_(gatherer),
      delivery_(tools, std::string(kApplicationTarget), std::move(group)),
      log_(tools.log, tools.clock, "push of the application") {}

PushOutcome ApplicationPush::Push(const PushBudget& budget) {
  PushOutcome outcome =
      delivery_.Push([&](const std::set<std::string>& exclude,
                         Status* why) { return Stage(exclude, budget.deadline, why); },
                     budget);
  if (outcome.cancelled) return outcome;
  if (outcome.ok()) {
    log_.Worked();
  } else {
    log_.Failed(PushResultName(outcome.result), outcome.text);
    if (!outcome.staged && tools_.self != nullptr) {
      tools_.self->Pushed(kApplicationTarget, outcome.result, Duration::zero(), 0);
    }
  }
  return outcome;
}

PushOutcome ApplicationPush::Delete(TimePoint deadline) { return delivery_.Delete(deadline); }

std::unique_ptr<StagedBody> ApplicationPush::Stage(const std::set<std::string>& exclude,
                                                   TimePoint deadline, Status* why) {
  // Half of what the push may take is for the collectors, all of them together; each has its own
  // timeout besides.
  const TimePoint now = tools_.clock.Now();
  GatherRequest request;
  request.sources = kGatherInstruments | kGatherCollectors |
                    (tools_.config.process_metrics ? kGatherProcess : 0) |
                    (tools_.config.self_metrics ? kGatherSelf : 0);
  request.deadline = now + std::max(deadline - now, Duration::zero()) / 2;
  std::atomic<bool> ready{false};  // outlives the run, whose end ends the callback
  const std::unique_ptr<GatherRun> run = gatherer_.Start(std::move(request), [&] {
    ready.store(true);
    tools_.interruption.Nudge();
  });
  // Not Wait(): a stop must not have to wait for a collector.
  if (!run->Ready() &&
      !tools_.interruption.WaitUntil(TimePoint::max(), [&] { return ready.load(); })) {
    *why = Status(Code::kCancelled, "interrupted");
    return nullptr;
  }
  Gathering gathering = run->Take();
  if (!gathering.status.ok()) {
    *why = gathering.status;
    return nullptr;
  }
  std::erase_if(gathering.families,
                [&](const GatheredFamily& family) { return IsExcluded(family.head, exclude); });
  auto body = std::make_unique<StagedBody>(
      tools_.config.pushgateway.gzip ? StagedBody::Sent::kGzip : StagedBody::Sent::kPlain);
  const auto stream =
      NewExpositionStream(std::move(gathering), Format::kText004, Timestamps::kLeaveOut);
  bool held = true;
  for (std::string_view piece = stream->Next(); held && !piece.empty(); piece = stream->Next()) {
    held = body->Write(piece);
  }
  if (held && body->Finish()) return body;
  *why = body->status();
  return nullptr;
}

}  // namespace promplug
