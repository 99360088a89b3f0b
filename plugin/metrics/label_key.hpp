// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "metrics/hash.hpp"
#include "metrics/labels.hpp"

namespace promplug {

// The label values that a series is looked up by, in the order of the family's label names, and
// their hash. The values must outlive it. [hot]
class LabelKey {
 public:
  // Of the n values value_at(0) to value_at(n - 1). `seed`: as for all keys of the table that is to
  // be searched. REQUIRES: n is at most kMaxLabels
  template <typename ValueAt>
  LabelKey(uint64_t seed, size_t n, const ValueAt& value_at) : size_(n) {
    // In variables of their own: for all that the compiler knows a value aliases a member.
    uint64_t hash = 0;
    size_t bytes = 0;
    for (size_t i = 0; i < n; ++i, seed = NextSeed(seed)) {
      const std::string_view value = value_at(i);
      std::construct_at(&values_[i], value);
      bytes += value.size();
      // None waits for the hash of another, so that the processor works at all of them at once.
      hash += HashBytes(value, seed);
    }
    hash_ = hash;
    bytes_ = bytes;
  }
  LabelKey(const LabelKey&) = delete;
  LabelKey& operator=(const LabelKey&) = delete;

  const std::string_view* values() const { return values_; }
  size_t size() const { return size_; }
  // Of all values.
  size_t bytes() const { return bytes_; }
  uint64_t hash() const { return hash_; }

 private:
  uint64_t hash_;
  size_t bytes_;
  const size_t size_;
  // Costs nothing until it is filled: a look-up needs few of them.
  union {
    std::string_view values_[kMaxLabels];
  };
};

}  // namespace promplug
