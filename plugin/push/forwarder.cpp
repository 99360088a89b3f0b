// SPDX-License-Identifier: MIT
#include "push/forwarder.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace promplug {
namespace {

PushOutcome Skipped(std::string text) {
  PushOutcome outcome;
  outcome.result = PushResult::kOk;
  outcome.text = std::move(text);
  return outcome;
}

}  // namespace

Forwarder::Forwarder(const PushTools& tools, const ForwardConfig& config, std::string group,
                     std::unique_ptr<Relay> relay)
    : tools_(tools),
      config_(config),
      relay_(std::move(relay)),
      delivery_(tools, config.job, std::move(group)),
      log_(tools.log, tools.clock, "forwarding of " + config.job) {}

PushOutcome Forwarder::Push(const PushBudget& budget) {
  PushOutcome outcome =
      delivery_.Push([&](const std::set<std::string>& exclude,
                         Status* why) { return Stage(exclude, budget.deadline, why); },
                     budget);
  if (outcome.cancelled) return outcome;
  const bool clean = reading_.kind == RelayOutcome::Kind::kClean;
  if (tools_.self != nullptr) tools_.self->ForwardUp(config_.job, clean);
  if (reading_.kind == RelayOutcome::Kind::kAbsent) return Absent(budget.deadline);
  absences_ = 0;
  if (clean && !reading_.families_left) return Empty();
  Report(outcome);
  return outcome;
}

void Forwarder::Report(const PushOutcome& outcome) {
  said_.clear();
  if (outcome.ok()) {
    pushed_ = true;
    log_.Worked();
    return;
  }
  const bool read = reading_.kind == RelayOutcome::Kind::kClean;
  log_.Failed(read ? PushResultName(outcome.result) : "exporter", outcome.text);
  if (!outcome.staged && tools_.self != nullptr) {
    tools_.self->Pushed(config_.job, PushResult::kInternal, Duration::zero(), 0);
  }
}

PushOutcome Forwarder::Absent(TimePoint deadline) {
  if (tools_.self != nullptr) tools_.self->ForwardSkipped(config_.job);
  ++absences_;
  SayOnce("absent", "forwarding of " + config_.job + " is skipped while nothing listens at " +
                        RedactUrl(config_.url));
  if (!pushed_ || absences_ < kAbsencesUntilGone || config_.when_gone == WhenGone::kKeep) {
    return Skipped("no exporter is there");
  }
  PushOutcome outcome = DeletePushed(deadline);
  if (outcome.cancelled) return outcome;
  if (outcome.ok()) {
    tools_.log.Info("the group of " + config_.job +
                    " was deleted at the Pushgateway, because its exporter is gone");
    return Skipped("the exporter is gone");
  }
  log_.Failed("delete", "its exporter is gone, and the group cannot be deleted: " + outcome.text);
  return outcome;
}

PushOutcome Forwarder::Empty() {
  SayOnce("empty", "forwarding of " + config_.job +
                       " is skipped while no family is left after keep and drop");
  return Skipped("no family is left");
}

void Forwarder::SayOnce(std::string_view state, const std::string& text) {
  if (said_ == state) return;
  said_ = state;
  tools_.log.Info(text);
}

PushOutcome Forwarder::DeletePushed(TimePoint deadline) {
  if (!pushed_) return Skipped("");
  PushOutcome outcome = delivery_.Delete(deadline);
  if (outcome.ok()) pushed_ = false;
  return outcome;
}

std::unique_ptr<StagedBody> Forwarder::Stage(const std::set<std::string>& exclude,
                                             TimePoint deadline, Status* why) {
  const auto sent =
      tools_.config.pushgateway.gzip ? StagedBody::Sent::kGzip : StagedBody::Sent::kPlain;
  auto body = std::make_unique<StagedBody>(sent);
  reading_ = Read(exclude, deadline, body.get());
  if (reading_.read_again) {
    body = std::make_unique<StagedBody>(sent);
    reading_ = Read(exclude, deadline, body.get());
  }
  const bool clean = reading_.kind == RelayOutcome::Kind::kClean && body->Finish();
  if (clean && reading_.families_left) return body;
  // An interrupted reading looks like a failed one, but says nothing about the exporter.
  if (!body->status().ok()) {
    reading_.kind = RelayOutcome::Kind::kFailed;
    *why = body->status();
  } else {
    *why = Status(tools_.interruption.interrupted() ? Code::kCancelled : Code::kIo,
                  "no whole exposition from " + RedactUrl(config_.url) + ": " + reading_.text);
  }
  return nullptr;
}

RelayOutcome Forwarder::Read(const std::set<std::string>& exclude, TimePoint deadline,
                             StagedBody* body) {
  return relay_->Read(exclude, deadline - tools_.clock.Now(),
                      [body](std::string_view text) { return body->Write(text); });
}

}  // namespace promplug
