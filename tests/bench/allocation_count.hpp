// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace promplug::bench {

// How often this process has asked malloc and its like for memory, whatever object of it asked.
uint64_t Allocations();

}  // namespace promplug::bench
