// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>

#include "metrics/point.hpp"

namespace promplug::testing {

// 2^(i / 2^schema), the double that is next to it (beyond the range of doubles: with their bits).
inline long double NativeBound(int32_t schema, int64_t i) {
  if (schema <= 0) return std::ldexp(1.0L, static_cast<int>(i * (int64_t{1} << -schema)));
  const int64_t per_octave = int64_t{1} << schema;
  const int64_t rest = ((i % per_octave) + per_octave) % per_octave;
  const long double fraction =
      static_cast<long double>(rest) / static_cast<long double>(per_octave);
  return std::ldexp(static_cast<long double>(static_cast<double>(std::exp2(fraction))),
                    static_cast<int>((i - rest) / per_octave));
}

// The bucket of v > 0 by the definition: the first whose bound is not below it.
inline int32_t NativeIndex(int32_t schema, double v) {
  if (std::isinf(v)) return NativeIndex(schema, 1.7976931348623157e308) + 1;
  auto i = static_cast<int64_t>(std::floor(std::log2(static_cast<long double>(v)) *
                                           std::exp2(static_cast<long double>(schema))));
  i -= 2;
  while (NativeBound(schema, i) < v) ++i;
  return static_cast<int32_t>(i);
}

// Buckets that are not empty, by side (-1, 0 for zero, 1) and index.
using NativeCounts = std::map<std::pair<int, int32_t>, uint64_t>;

inline void AddNative(NativeCounts* counts, int32_t schema, double zero_threshold, double v) {
  if (std::fabs(v) <= zero_threshold) {
    ++(*counts)[{0, 0}];
  } else {
    ++(*counts)[{v < 0 ? -1 : 1, NativeIndex(schema, std::fabs(v))}];
  }
}

// What spans and counts say.
inline NativeCounts CountsOf(const NativeHistogram& native) {
  NativeCounts counts;
  if (native.zero_count != 0) counts[{0, 0}] = native.zero_count;
  const auto add = [&](int side, const int32_t* offsets, const uint32_t* lengths, size_t n,
                       const uint64_t* each) {
    int32_t index = 0;
    for (size_t i = 0; i < n; ++i) {
      index += offsets[i];
      for (uint32_t k = 0; k < lengths[i]; ++k, ++index, ++each) {
        if (*each != 0) counts[{side, index}] = *each;
      }
    }
  };
  add(1, native.positive_offsets, native.positive_lengths, native.n_positive_spans,
      native.positive_counts);
  add(-1, native.negative_offsets, native.negative_lengths, native.n_negative_spans,
      native.negative_counts);
  return counts;
}

}  // namespace promplug::testing
