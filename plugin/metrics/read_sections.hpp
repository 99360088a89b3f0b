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
    active->fetch_add(1, std::memory_order_seq_cst);
    FenceAfterAddition();
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

  // A sequentially consistent fence, behind a sequentially consistent addition. Enter() and
  // Advance() have one each, so that either Advance() sees the addition of a section, or what the
  // section reads is without what was taken out. The additions alone do not give that: where they
  // are a pair of exclusive accesses (aarch64), a load behind one may be done before its store is
  // seen. On x86 the locked instruction is the fence, and only the compiler must be held.
  static void FenceAfterAddition() {
#if defined(__x86_64__) || defined(__i386__)
    std::atomic_signal_fence(std::memory_order_seq_cst);
#else
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
  }

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
