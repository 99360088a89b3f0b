// SPDX-License-Identifier: MIT
#include "metrics/stripes.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace promplug {

Stripes* Stripes::Make(size_t words_per_cell, uint32_t cpus, MetricMemory& memory) {
  const uint32_t count = std::min(std::bit_ceil(std::max(cpus, 1u)), kMax);
  const size_t stride = std::bit_ceil(std::max(words_per_cell * sizeof(Word), kLineBytes));
  void* block = memory.Allocate(kLineBytes + count * stride, kLineBytes);
  if (block == nullptr) return nullptr;
  return new (block) Stripes(count - 1, static_cast<uint32_t>(std::countr_zero(stride)));
}

void Stripes::Free(Stripes* stripes, MetricMemory& memory) {
  if (stripes == nullptr) return;
  const size_t bytes = kLineBytes + (size_t{stripes->count()} << stripes->stride_shift_);
  memory.Free(stripes, bytes, kLineBytes);
}

}  // namespace promplug
