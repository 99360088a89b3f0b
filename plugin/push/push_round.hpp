// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
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
#include "push/push_log.hpp"
#include "push/pushed_group.hpp"

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

// What is left to do at the end.
struct LastWork {
  enum class Groups {
    kStay,
    kDeleteAsGone,  // as of an exporter that is gone: ForwardConfig::when_gone
    kDelete,
  };
  OnStop application = OnStop::kNothing;
  Groups forwarded = Groups::kStay;
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
  // `inherited`: of an earlier configuration. Those of this gateway that are forwarded no more are
  // deleted with the next rounds, unless their exporter said when_gone: keep.
  Status Prepare(const std::vector<PushedGroup>& inherited);

  // Pushes `targets`, one after the other. Each has its own timeout; when the gateway was found not
  // to answer, the others get one short attempt.
  RoundResult Run(uint32_t targets);
  void Last(const LastWork& work, TimePoint deadline);
  // What is left to do when `next` follows: a group that it does not push to any more is left as
  // on a stop (the application's) or as by an exporter that is gone. Forwarded groups at the same
  // gateway are no part of it: what follows inherits them.
  LastWork WorkBefore(const PushgatewayConfig& next) const;
  // What a round of the next configuration inherits.
  std::vector<PushedGroup> pushed() const;
  void DropConnections() { client_.Drop(); }

  // Ends the waits; an exchange goes on.
  void InterruptWaits() { interruption_.Interrupt(); }
  void InterruptAll();
  void ClearInterrupts();

 private:
  void Inherit(const std::vector<PushedGroup>& inherited);
  void DeleteLeft();
  PushOutcome DeleteForwarded(LastWork::Groups which, TimePoint deadline);
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
  std::vector<PushedGroup> left_;  // at this gateway, forwarded no more, to be deleted
  PushLog left_log_;
  std::string application_group_;
  bool reached_ = true;  // the gateway, as far as this round knows
};

}  // namespace promplug
