// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "gather/callback.hpp"

namespace promplug {

// The last output of each callback that takes part in a sequence of gathers. Used by one thread at
// a time.
class KeptOutputs {
 public:
  // To be called for every slot of a gather; those that it is not called for before EndGather() are
  // forgotten. What `slot` says or, where it says nothing, what its callback said last; nullptr:
  // nothing. Valid until EndGather() of the next gather.
  const CallbackOutput* Update(const GatherSlot& slot) {
    CallbackOutput& now = now_[slot.callback->id];
    if (slot.has_output) {
      now = slot.output;
      return &now;
    }
    const auto before = before_.find(slot.callback->id);
    if (before == before_.end()) {
      now_.erase(slot.callback->id);
      return nullptr;
    }
    now = before->second;
    return &now;
  }
  void EndGather() {
    before_ = std::move(now_);
    now_.clear();
  }
  void Forget() {
    before_.clear();
    now_.clear();
  }

 private:
  std::map<uint64_t, CallbackOutput> before_;
  std::map<uint64_t, CallbackOutput> now_;
};

}  // namespace promplug
