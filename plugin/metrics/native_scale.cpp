// SPDX-License-Identifier: MIT
#include "metrics/native_scale.hpp"

#include <cmath>

namespace promplug {

uint32_t LevelOfGrowth(double growth) {
  for (uint32_t level = kCoarsestLevel; level > 0; --level) {
    if (std::exp2(std::exp2(-SchemaOfLevel(level))) <= growth) return level;
  }
  return 0;
}

}  // namespace promplug
