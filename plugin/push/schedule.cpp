// SPDX-License-Identifier: MIT
#include "push/schedule.hpp"

#include <algorithm>
#include <cstdint>

namespace promplug {

Duration PhaseOf(std::string_view instance, Duration interval) {
  uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : instance) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  // Instances often differ in their last byte only, which FNV leaves in the low bits.
  hash = (hash ^ hash >> 32) * 0x9E3779B97F4A7C15u;
  const double fraction = static_cast<double>(hash >> 11) / static_cast<double>(1ull << 53);
  return Duration(static_cast<int64_t>(fraction * static_cast<double>(interval.count())));
}

TimePoint FirstPush(TimePoint start, Duration interval, Duration phase) {
  const Duration spread = std::min<Duration>(interval, std::chrono::seconds(5));
  const double fraction =
      static_cast<double>(phase.count()) / static_cast<double>(interval.count());
  return start + Duration(static_cast<int64_t>(fraction * static_cast<double>(spread.count())));
}

TimePoint NextPush(TimePoint start, Duration interval, Duration phase, TimePoint now) {
  const TimePoint origin = start + phase;
  if (now < origin) return origin;
  return origin + ((now - origin) / interval + 1) * interval;
}

}  // namespace promplug
