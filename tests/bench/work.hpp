// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

namespace promplug::bench {

// The same series, with the same values, for everyone who is measured.

inline constexpr double kBounds[] = {.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
// Its buckets with +Inf, sum and count.
inline constexpr size_t kLinesAHistogram = std::size(kBounds) + 3;

inline constexpr const char* kLabelNames[] = {"method", "route", "status"};
using LabelValues = std::array<std::string, 3>;

inline LabelValues LabelValuesOf(size_t series) {
  static constexpr const char* kMethods[] = {"GET", "POST", "PUT", "DELETE"};
  return {kMethods[series % 4], "/api/v1/items/" + std::to_string(series),
          std::to_string(200 + series % 5)};
}

using Random = std::mt19937_64;
inline constexpr uint64_t kSeed = 1;

inline double WholeNumber(Random& random) { return static_cast<double>(random() % 10000000); }
inline double FullDouble(Random& random) {
  return std::uniform_real_distribution<double>(0, 1000)(random);
}
// As likely in one bucket as in another.
inline double Duration(Random& random) {
  return std::exp(std::uniform_real_distribution<double>(std::log(.0005), std::log(20))(random));
}

inline std::vector<double> Durations(size_t n) {
  Random random(kSeed);
  std::vector<double> values(n);
  for (double& value : values) value = Duration(random);
  return values;
}

}  // namespace promplug::bench
