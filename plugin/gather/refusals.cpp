// SPDX-License-Identifier: MIT
#include "gather/refusals.hpp"

#include "metrics/labels.hpp"

namespace promplug {

void Refusals::Refuse(std::string_view reason, std::string_view subject, const std::string& text,
                      uint64_t n) {
  if (self_ != nullptr) self_->SeriesRefused(reason, n);
  {
    const std::lock_guard lock(mutex_);
    if (said_.size() >= kMaxRemembered) return;
    if (!said_.Insert(HashBytes(subject, HashBytes(reason, 0)))) return;
  }
  log_.Warn(text + " (counted as " + std::string(reason) + ", said once)");
}

}  // namespace promplug
