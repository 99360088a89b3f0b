// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "push/delivery.hpp"
#include "push/push_log.hpp"
#include "relay/relay.hpp"

namespace promplug {

// Pushes what one local exporter says under the group of its job. Used by one thread.
//
// A reading that is no whole, valid exposition is pushed by nobody: the last good state stays.
// Nothing listening there is a skip. Twice in a row after a push, it means that the exporter is
// gone: its group is deleted (by configuration kept), so that frozen values do not look alive.
class Forwarder {
 public:
  static constexpr int kAbsencesUntilGone = 2;

  // `config` must outlive it.
  Forwarder(const PushTools& tools, const ForwardConfig& config, std::string group,
            std::unique_ptr<Relay> relay);

  // A skip is kOk, with a text.
  PushOutcome Push(const PushBudget& budget);
  // Deletes the group where this process has pushed it; else kOk.
  PushOutcome DeletePushed(TimePoint deadline);

  const ForwardConfig& config() const { return config_; }
  const std::string& group() const { return delivery_.group(); }
  // Whether the group is at the gateway, from this process.
  bool pushed() const { return pushed_; }
  // A forwarder of an earlier configuration has pushed the group.
  void TakeOver() { pushed_ = true; }

 private:
  std::unique_ptr<StagedBody> Stage(const std::set<std::string>& exclude, TimePoint deadline,
                                    Status* why);
  RelayOutcome Read(const std::set<std::string>& exclude, TimePoint deadline, StagedBody* body);
  PushOutcome Absent(TimePoint deadline);
  PushOutcome Empty();
  void Report(const PushOutcome& outcome);
  void SayOnce(std::string_view state, const std::string& text);

  const PushTools tools_;
  const ForwardConfig& config_;
  const std::unique_ptr<Relay> relay_;
  Delivery delivery_;
  PushLog log_;
  RelayOutcome reading_;  // the last
  std::string said_;      // the state that was said last: "", "absent" or "empty"
  bool pushed_ = false;
  int absences_ = 0;  // in a row
};

}  // namespace promplug
