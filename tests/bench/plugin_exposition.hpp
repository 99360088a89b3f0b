// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "bench/expositions.hpp"
#include "bench/plugin_host.hpp"

namespace promplug::bench {

// Makes the family of `lines` lines, whose series nobody keeps.
promplug_family* FillPlugin(Instance& instance, Work work, size_t lines);

}  // namespace promplug::bench
