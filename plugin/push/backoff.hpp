// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.hpp"

namespace promplug {

// Numbers in [0, 1) that differ between instances. Not for secrets.
class Jitter {
 public:
  explicit Jitter(uint64_t seed) : state_(seed) {}
  double Next();

 private:
  uint64_t state_;
};

// How long to wait after the n-th failure in a row (n >= 1): 1 s, 2 s, 4 s, 8 s, ..., each taken by
// `jitter` in [0, 1) to between half and the whole of it.
Duration Backoff(int failures, double jitter);

// When to try again, or never before `deadline`. What the server asked for (Retry-After in
// seconds, negative: nothing) is waited for at least.
std::optional<TimePoint> NextAttempt(TimePoint now, TimePoint deadline, int failures, double jitter,
                                     int64_t retry_after_seconds);

}  // namespace promplug
