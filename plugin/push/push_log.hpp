// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"

namespace promplug {

// Says what becomes of one kind of work that is repeated for ever: when it begins to fail, when it
// fails in another way, each ten minutes while it fails, and when it works again. Used by one
// thread.
class PushLog {
 public:
  static constexpr Duration kAgain = std::chrono::minutes(10);

  // `what` begins the lines: "push of application". `log` and `clock` must outlive it.
  PushLog(const Log& log, const Clock& clock, std::string what)
      : log_(log), clock_(clock), what_(std::move(what)) {}

  void Worked();
  // `kind` tells ways of failing apart.
  void Failed(std::string_view kind, std::string_view text);

 private:
  const Log& log_;
  const Clock& clock_;
  const std::string what_;
  std::set<std::string, std::less<>> kinds_;  // said since it last worked
  uint64_t failures_ = 0;
  TimePoint last_said_{};
};

}  // namespace promplug
