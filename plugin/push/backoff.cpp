// SPDX-License-Identifier: MIT
#include "push/backoff.hpp"

#include <algorithm>

namespace promplug {

// splitmix64 (Steele, Lea, Flood 2014)
double Jitter::Next() {
  state_ += 0x9E3779B97F4A7C15u;
  uint64_t z = state_;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) / static_cast<double>(1ull << 53);
}

Duration Backoff(int failures, double jitter) {
  constexpr int kMaxDoublings = 6;
  const int doublings = std::clamp(failures - 1, 0, kMaxDoublings);
  const Duration whole = std::chrono::seconds(1 << doublings);
  return whole / 2 +
         Duration(static_cast<int64_t>(jitter * static_cast<double>(whole.count()) / 2));
}

std::optional<TimePoint> NextAttempt(TimePoint now, TimePoint deadline, int failures, double jitter,
                                     int64_t retry_after_seconds) {
  constexpr int64_t kLongestWaitSeconds = int64_t{24} * 3600;
  const Duration asked =
      std::chrono::seconds(std::clamp<int64_t>(retry_after_seconds, 0, kLongestWaitSeconds));
  const TimePoint at = now + std::max(Backoff(failures, jitter), asked);
  if (at >= deadline) return std::nullopt;
  return at;
}

}  // namespace promplug
