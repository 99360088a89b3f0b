// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

// This executable's own malloc and pthread_create, which the C library, the C++ library and the
// plugin use too, since an executable's symbols come first. They fail as they are told.
namespace faults {

enum class Kind { kMemory, kThread };
enum class Reach { kOne, kAllFromThere };

// The nth request of that kind from now on (from 1), on any thread, fails, or all from it on.
void Arm(Kind kind, size_t nth, Reach reach);
// Whether a request has failed since Arm().
bool Disarm();

// Blocks that were asked for and not given back.
size_t LiveBlocks();

}  // namespace faults
