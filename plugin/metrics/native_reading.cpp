// SPDX-License-Identifier: MIT
#include "metrics/native_reading.hpp"

#include <algorithm>

namespace promplug {

template <typename Each>
void NativeReading::ReadParts(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level,
                              const Each& each) {
  sum_.Clear();
  sum_.AddZero(buckets.zero_count());
  total_ = sum_.zero_count();
  each([this](bool negative, uint32_t at, int32_t index, uint64_t count) {
    sum_.Add(negative, at, index, count);
    total_ += count;
  });
  sum_.Settle(max_buckets, level);
  spans_.Make(sum_);
}

void NativeReading::Read(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level) {
  ReadParts(buckets, max_buckets, level, [&](const auto& use) { buckets.ForEach(use); });
}

void NativeReading::Read(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level,
                         LimitedMemory* foreign) {
  ReadParts(buckets, max_buckets, level,
            [&](const auto& use) { buckets.ForEachIn(*foreign, use); });
}

void NativeReading::CutClassic(uint64_t* counts, size_t n_bounds) const {
  uint64_t left = total_;
  for (size_t i = 0; i < n_bounds; ++i) {
    counts[i] = std::min(counts[i], left);
    left -= counts[i];
  }
  counts[n_bounds] = left;
}

}  // namespace promplug
