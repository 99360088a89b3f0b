// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace promplug {

// Label values may come from strangers, who must not be able to choose those whose hashes collide.
// Both throw what std::random_device throws.

// Another one for each call, which nobody can guess.
uint64_t RandomSeed();
// One for the whole process, and for those that are forked from it.
uint64_t ProcessSeed();

}  // namespace promplug
