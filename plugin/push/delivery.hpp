// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "push/backoff.hpp"
#include "push/gateway.hpp"
#include "push/interruption.hpp"
#include "push/quarantine.hpp"

namespace promplug {

// What the pushes of all targets share. Everything outlives those who hold it.
struct PushTools {
  const Config& config;
  const Clock& clock;
  const Log& log;
  SelfMetrics* self;  // may be nullptr
  Gateway& gateway;
  Interruption& interruption;
  Jitter& jitter;
};

// How much a push may try.
struct PushBudget {
  TimePoint deadline;                   // of the whole
  Duration exchange = Duration::max();  // each
  bool retry = true;                    // else one attempt, but for the redoing by the quarantine
};

// One push of one target: stages, sends, waits and sends again where that may help, and redoes it
// without the families that the Pushgateway refuses, until the deadline. Used by one thread.
class Delivery {
 public:
  // Makes the body without the families `exclude`; nullptr: it cannot be made, and *why says so
  // (kCancelled: it was interrupted).
  using Stage =
      std::function<std::unique_ptr<StagedBody>(const std::set<std::string>& exclude, Status* why)>;

  // `target` as in SelfMetrics::Pushed.
  Delivery(const PushTools& tools, std::string target, std::string group)
      : tools_(tools), target_(std::move(target)), group_(std::move(group)) {}

  PushOutcome Push(const Stage& stage, const PushBudget& budget);
  PushOutcome Delete(TimePoint deadline);

  const std::string& group() const { return group_; }

 private:
  PushOutcome PushStaged(const Stage& stage, const PushBudget& budget);
  PushOutcome Send(StagedBody* body, const PushBudget& budget);
  bool HoldBack(const PushOutcome& outcome);
  void Release();

  const PushTools tools_;
  const std::string target_;
  const std::string group_;
  Quarantine quarantine_;
};

}  // namespace promplug
