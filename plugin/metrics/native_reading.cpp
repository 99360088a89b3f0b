// SPDX-License-Identifier: MIT
#include "metrics/native_reading.hpp"

namespace promplug {

void NativeReading::Read(const NativeBuckets& buckets, uint32_t max_buckets, uint32_t level) {
  sum_.Clear();
  sum_.AddZero(buckets.zero_count());
  total_ = sum_.zero_count();
  buckets.ForEach([&](bool negative, uint32_t at, int32_t index, uint64_t count) {
    sum_.Add(negative, at, index, count);
    total_ += count;
  });
  sum_.Settle(max_buckets, level);
  spans_.Make(sum_);
}

}  // namespace promplug
