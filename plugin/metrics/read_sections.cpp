// SPDX-License-Identifier: MIT
#include "metrics/read_sections.hpp"

namespace promplug {

void ReadSections::FreeAll() {
  for (const auto& free : waiting_) free();
  waiting_.clear();
  for (const auto& free : retired_) free();
  retired_.clear();
}

void ReadSections::Retire(std::function<void()> free) {
  std::lock_guard lock(mutex_);
  retired_.push_back(std::move(free));
}

bool ReadSections::NobodyIn(uint32_t parity) const {
  for (const Slot& slot : slots_) {
    if (slot.active[parity].load(std::memory_order_seq_cst) != 0) return false;
  }
  return true;
}

void ReadSections::Advance() {
  if (waiting_.empty()) {
    {
      std::lock_guard lock(mutex_);
      waiting_.swap(retired_);
    }
    if (waiting_.empty()) return;
    flips_left_ = 2;
    epoch_.fetch_add(1, std::memory_order_seq_cst);
    FenceAfterAddition();
  }
  while (flips_left_ > 0) {
    const uint32_t previous = (epoch_.load(std::memory_order_relaxed) + 1) & 1;
    if (!NobodyIn(previous)) return;
    if (--flips_left_ > 0) epoch_.fetch_add(1, std::memory_order_seq_cst);
  }
  for (const auto& free : waiting_) free();
  waiting_.clear();
}

void ReadSections::ForgetReaders() {
  for (Slot& slot : slots_) {
    slot.active[0].store(0);
    slot.active[1].store(0);
  }
}

}  // namespace promplug
