// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace promplug {

class Series;

// Series whose cell was written very often of late, as told by the hot path. Forgetful: a report
// may be overwritten by another, a series that stays hot reports again.
class HotList {
 public:
  static constexpr uint32_t kSize = 64;

  // [hot]
  void Report(Series* series) {
    const uint32_t i = next_.fetch_add(1, std::memory_order_relaxed);
    reports_[i % kSize].store(series, std::memory_order_relaxed);
  }

  // Takes report number i out, or nullptr. i < kSize
  Series* Take(uint32_t i) {
    if (reports_[i].load(std::memory_order_relaxed) == nullptr) return nullptr;
    return reports_[i].exchange(nullptr, std::memory_order_relaxed);
  }

 private:
  std::atomic<uint32_t> next_{0};
  std::array<std::atomic<Series*>, kSize> reports_{};
};

}  // namespace promplug
