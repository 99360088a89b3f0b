// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "metrics/cpu_slot.hpp"

namespace promplug {

// Sections in which memory that others take out of a shared structure stays valid (sleepable RCU).
// Entering and leaving is one atomic addition each, on a line that other CPUs rarely use.
class ReadSections {
  struct alignas(128) Slot {
    std::atomic<int64_t> active[2];
  };

 public:
  ReadSections() = default;
  ~ReadSections() { FreeAll(); }
  ReadSections(const ReadSections&) = delete;
  ReadSections& operator=(const ReadSections&) = delete;

  // One section; may be kept for long, at the price of memory that waits for its end.
  class Guard {
   public:
    Guard() = default;
    explicit Guard(std::atomic<int64_t>* active) : active_(active) {}
    Guard(Guard&& other) noexcept : active_(std::exchange(other.active_, nullptr)) {}
    Guard& operator=(Guard&& other) noexcept {
      Leave();
      active_ = std::exchange(other.active_, nullptr);
      return *this;
    }
    ~Guard() { Leave(); }

    void Leave() {
      if (active_ != nullptr) active_->fetch_sub(1, std::memory_order_release);
      active_ = nullptr;
    }

   private:
    std::atomic<int64_t>* active_ = nullptr;
  };

  // [hot]
  Guard Enter() {
    const uint32_t parity = epoch_.load(std::memory_order_relaxed) & 1;
    std::atomic<int64_t>* active = &slots_[CpuSlot() % kSlots].active[parity];
    // Sequentially consistent: what the section reads must come after this in the single order
    // that Advance() relies on.
    active->fetch_add(1, std::memory_order_seq_cst);
    return Guard(active);
  }

  // Runs `free` later, from Advance() or FreeAll(), when every section that had been entered before
  // this call has been left. Any thread.
  void Retire(std::function<void()> free);

  // Moves on as far as the open sections allow. Never waits. One thread at a time.
  void Advance();

  // Runs all that was retired. REQUIRES: nobody is in a section, nobody calls anything else.
  void FreeAll();

  void LockForFork() { mutex_.lock(); }
  void UnlockAfterFork() { mutex_.unlock(); }
  // In a fork child, where only the calling thread lives: nobody is in a section.
  void ForgetReaders();

 private:
  bool NobodyIn(uint32_t parity) const;

  static constexpr size_t kSlots = 16;
  std::array<Slot, kSlots> slots_{};
  std::atomic<uint32_t> epoch_{0};

  // Used by Advance() alone. A reader may have read the epoch and be counted late, so a grace
  // period needs both parities to have been seen empty, one after the other.
  int flips_left_ = 0;
  std::vector<std::function<void()>> waiting_;

  std::mutex mutex_;
  std::vector<std::function<void()>> retired_;  // guarded by mutex_
};

}  // namespace promplug
