// SPDX-License-Identifier: MIT
#include "push/push_log.hpp"

namespace promplug {

void PushLog::Worked() {
  if (failures_ == 0) return;
  log_.Info(what_ + " works again, after " + std::to_string(failures_) +
            (failures_ == 1 ? " failure" : " failures"));
  failures_ = 0;
  kinds_.clear();
}

void PushLog::Failed(std::string_view kind, std::string_view text) {
  ++failures_;
  const bool fresh = kinds_.emplace(kind).second;
  const TimePoint now = clock_.Now();
  if (!fresh && now - last_said_ < kAgain) return;
  last_said_ = now;
  std::string line = what_ + " failed";
  if (failures_ > 1) line += " " + std::to_string(failures_) + " times in a row";
  log_.Warn(line.append(": ").append(text));
}

}  // namespace promplug
