// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace promplug {

// The upper bounds of a histogram's buckets, laid out for a search without branches.
class Bounds {
 public:
  // REQUIRES: finite and ascending.
  explicit Bounds(const std::vector<double>& bounds) : padded_(bounds), size_(bounds.size()) {
    // No value is above +Inf, so that padding never counts. There is a step of it at least.
    const size_t steps = std::max<size_t>((size_ + kStep - 1) / kStep, 1);
    padded_.resize(steps * kStep, std::numeric_limits<double>::infinity());
  }

  // Number of the first bucket whose bound is >= v; size() for the +Inf bucket. v is not NaN. [hot]
  size_t BucketOf(double v) const {
    const double* bound = padded_.data();
    if (size_ > kLinearLimit) [[unlikely]]
      return static_cast<size_t>(std::lower_bound(bound, bound + size_, v) - bound);
    // The compiler has no cheap way to vectorise a count of comparisons by itself; a comparison of
    // vectors yields -1 for each lane that holds.
    const double* const end = bound + padded_.size();
    const Doubles value = {v, v};
    Integers above = {0, 0};
    do {
      above -= value > Doubles{bound[0], bound[1]};
      above -= value > Doubles{bound[2], bound[3]};
      bound += kStep;
    } while (bound != end);
    return static_cast<size_t>(above[0] + above[1]);
  }

  const double* data() const { return padded_.data(); }
  size_t size() const { return size_; }

 private:
  using Doubles = double __attribute__((vector_size(16)));
  using Integers = int64_t __attribute__((vector_size(16)));
  static constexpr size_t kStep = 4;
  static constexpr size_t kLinearLimit = 48;

  std::vector<double> padded_;
  size_t size_;
};

}  // namespace promplug
