// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "base/clock.hpp"

namespace promplug {

// When to push. The first push comes soon after the start; the others lie on a grid of one interval
// whose phase is derived from the instance, so that a fleet that starts at once spreads out.

// In [0, interval), the same for the same instance everywhere.
Duration PhaseOf(std::string_view instance, Duration interval);

// Within min(interval, 5 s) after `start`.
TimePoint FirstPush(TimePoint start, Duration interval, Duration phase);

// The next point of the grid start + phase + k * interval after `now`; what was missed is skipped.
TimePoint NextPush(TimePoint start, Duration interval, Duration phase, TimePoint now);

}  // namespace promplug
