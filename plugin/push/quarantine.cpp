// SPDX-License-Identifier: MIT
#include "push/quarantine.hpp"

namespace promplug {

void Quarantine::BeginPush() {
  taken_ = 0;
  size_t out = 0;
  for (auto at = missed_.begin(); at != missed_.end();) {
    if (++at->second < kPushesHeld || out == kMaxPerPush) {
      ++at;
      continue;
    }
    ++out;
    held_.erase(at->first);
    on_trial_.insert(at->first);
    at = missed_.erase(at);
  }
}

std::vector<std::string> Quarantine::Hold(const std::vector<std::string>& names) {
  std::vector<std::string> fresh;
  for (const std::string& name : names) {
    if (taken_ == kMaxPerPush) break;
    if (!held_.insert(name).second) continue;
    missed_[name] = 0;
    ++taken_;
    fresh.push_back(name);
  }
  return fresh;
}

std::vector<std::string> Quarantine::Accepted() {
  std::vector<std::string> released;
  for (const std::string& name : on_trial_) {
    if (held_.count(name) == 0) released.push_back(name);
  }
  on_trial_.clear();
  return released;
}

}  // namespace promplug
