// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>

namespace promplug {

// The sum of doubles as two of them: `high`, and what is lost by rounding that. So the order of the
// addends, which changes when a process of a set ends or is folded, does not show: a sum that falls
// by the last bit is a restart for Prometheus.
struct DoubleSum {
  double high = 0;
  double low = 0;

  // Knuth's TwoSum. What is not finite stays what it is.
  void Add(double addend) {
    const double sum = high + addend;
    if (std::isfinite(sum)) {
      const double added = sum - high;
      low += (high - (sum - added)) + (addend - added);
    } else {
      low = 0;
    }
    high = sum;
  }
  // A zero keeps its sign.
  double Rounded() const { return low == 0 ? high : high + low; }
  // What Rounded() lacks.
  double Rest() const {
    const double rounded = Rounded();
    return std::isfinite(rounded) ? low - (rounded - high) : 0;
  }
};

}  // namespace promplug
