// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "config/config.hpp"
#include "gather/gatherer.hpp"
#include "metrics/self_metrics.hpp"
#include "push/application_push.hpp"
#include "push/client_slot.hpp"
#include "push/forwarder.hpp"
#include "push/gateway.hpp"
#include "push/interruption.hpp"

namespace promplug {

// The numbers are those of PROMPLUG_PUSH_*.
inline constexpr uint32_t kPushApplication = 1;
inline constexpr uint32_t kPushForwards = 2;

struct RoundResult {
  uint32_t cancelled = 0;  // the targets that were not tried to the end
  Status application;      // kIo with the reason
  Status forwards;         // that of the first that failed
  TimePoint not_before{};  // the gateway asked for peace until then
};

// Everything that is pushed to one gateway. The work is done on one thread; Interrupt*() and
// ClearInterrupts() may be called by any.
class PushRound {
 public:
  PushRound(const Config& config, Gatherer& gatherer, SelfMetrics* self, const Log& log,
            const Clock& clock, ClientFactory factory);
  PushRound(const PushRound&) = delete;
  PushRound& operator=(const PushRound&) = delete;

  // Once, before the rest: kInvalid as of GroupPath(), and the errors of the client factory.
  Status Prepare();

  // Pushes `targets`, one after the other. Each has its own timeout; when the gateway was found not
  // to answer, the others get one short attempt.
  RoundResult Run(uint32_t targets);
  // What is left to do at the end: on_stop.
  void Last(OnStop on_stop, TimePoint deadline);
  void DropConnections() { client_.Drop(); }

  // Ends the waits; an exchange goes on.
  void InterruptWaits() { interruption_.Interrupt(); }
  void InterruptAll();
  void ClearInterrupts();

  const Config& config() const { return config_; }

 private:
  PushBudget BudgetFor(Duration reading) const;
  void Note(const PushOutcome& outcome, uint32_t target, Status* status, RoundResult* result);

  const Config config_;
  Gatherer& gatherer_;
  SelfMetrics* const self_;
  const Log& log_;
  const Clock& clock_;
  ClientSlot client_;
  Gateway gateway_;
  Interruption interruption_;
  Jitter jitter_;
  std::unique_ptr<ApplicationPush> application_;
  std::vector<std::unique_ptr<Forwarder>> forwarders_;
  bool reached_ = true;  // the gateway, as far as this round knows
};

}  // namespace promplug
