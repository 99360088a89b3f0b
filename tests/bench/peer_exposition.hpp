// SPDX-License-Identifier: MIT
#pragma once

#include <prometheus/registry.h>

#include <cstddef>

#include "bench/expositions.hpp"

namespace promplug::bench {

// Registers the family of `lines` lines with prometheus-cpp.
void FillRegistry(prometheus::Registry& registry, Work work, size_t lines);

}  // namespace promplug::bench
