// SPDX-License-Identifier: MIT
#pragma once

#include "base/status.hpp"
#include "config/keys.hpp"
#include "config/load.hpp"

namespace promplug {

// What can be said only when every source is read: the floor of the interval, the default
// exporter, the guessed instance, and checks of keys against each other.
Result<Config> Finish(Draft draft, const ConfigInput& input);

}  // namespace promplug
