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
    // No value is above +Inf, so that padding never counts.
    padded_.resize((size_ + kLanes - 1) / kLanes * kLanes, std::numeric_limits<double>::infinity());
  }

  // Number of the first bucket whose bound is >= v; size() for the +Inf bucket. v is not NaN. [hot]
  size_t BucketOf(double v) const {
    if (size_ > kLinearLimit) {
      return static_cast<size_t>(
          std::lower_bound(padded_.begin(), padded_.begin() + static_cast<std::ptrdiff_t>(size_),
                           v) -
          padded_.begin());
    }
    // The compiler has no cheap way to vectorise a count of comparisons by itself; a comparison of
    // vectors yields -1 for each lane that holds.
    const Doubles value = {v, v};
    Integers above = {0, 0};
    Integers above_too = {0, 0};
    const double* bound = padded_.data();
    for (size_t i = 0; i < padded_.size(); i += kLanes, bound += kLanes) {
      above -= value > Doubles{bound[0], bound[1]};
      above_too -= value > Doubles{bound[2], bound[3]};
    }
    above += above_too;
    return static_cast<size_t>(above[0] + above[1]);
  }

  const double* data() const { return padded_.data(); }
  size_t size() const { return size_; }

 private:
  using Doubles = double __attribute__((vector_size(16)));
  using Integers = int64_t __attribute__((vector_size(16)));
  static constexpr size_t kLanes = 4;
  static constexpr size_t kLinearLimit = 48;

  std::vector<double> padded_;
  size_t size_;
};

}  // namespace promplug
