// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "multiprocess/set_merge.hpp"

namespace promplug {

// What is to be said to the log and to a Refuse once no lock is held: both can be functions of the
// host, and those may take as long as they like. One thread at a time.
class Remarks {
 public:
  void Add(LogLevel level, std::string text) { lines_.emplace_back(level, std::move(text)); }
  // Keeps what it is told. Valid as long as this object.
  SetMerge::Refuse Collector() {
    return [this](std::string_view reason, std::string_view family, std::string text) {
      refusals_.push_back({std::string(reason), std::string(family), std::move(text)});
    };
  }

  // Says everything, and forgets it.
  void Say(const Log& log, const SetMerge::Refuse& refuse) {
    for (const auto& [level, text] : std::exchange(lines_, {})) log.Write(level, text);
    for (Refusal& each : std::exchange(refusals_, {})) {
      refuse(each.reason, each.family, std::move(each.text));
    }
  }

 private:
  struct Refusal {
    std::string reason;
    std::string family;
    std::string text;
  };
  std::vector<std::pair<LogLevel, std::string>> lines_;
  std::vector<Refusal> refusals_;
};

}  // namespace promplug
