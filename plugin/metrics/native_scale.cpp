// SPDX-License-Identifier: MIT
#include "metrics/native_scale.hpp"

#include <cmath>

namespace promplug {

bool NativeSpansHoldNumbers(uint32_t level, const int32_t* offsets, const uint32_t* lengths,
                            size_t n) {
  const int64_t lowest = CoarserIndex(kLowestFinest, level);
  const int64_t highest = CoarserIndex(kHighestFinest, level);
  int64_t index = 0;
  for (size_t i = 0; i < n; ++i) {
    index += offsets[i];
    if (lengths[i] != 0 && (index < lowest || index + lengths[i] - 1 > highest)) return false;
    index += lengths[i];
  }
  return true;
}

uint32_t LevelOfGrowth(double growth) {
  for (uint32_t level = kCoarsestLevel; level > 0; --level) {
    if (std::exp2(std::exp2(-SchemaOfLevel(level))) <= growth) return level;
  }
  return 0;
}

}  // namespace promplug
