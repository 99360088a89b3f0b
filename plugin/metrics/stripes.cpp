// SPDX-License-Identifier: MIT
#include "metrics/stripes.hpp"

#include <algorithm>
#include <bit>
#include <new>

namespace promplug {

Stripes::Stripes(uint32_t count, size_t first, size_t stride, bool exclusive)
    : count_(count), exclusive_(exclusive), first_(first), stride_(stride) {
  char* const here = reinterpret_cast<char*>(this);
  for (uint32_t i = 0; i < count; ++i) {
    cells()[i] = reinterpret_cast<Word*>(here + first + i * stride);
  }
}

Stripes* Stripes::Make(size_t words_per_cell, uint32_t cpus, bool exclusive, MetricMemory& memory) {
  const auto in_lines = [](size_t bytes) { return (bytes + kLowBits) & ~kLowBits; };
  const uint32_t most = exclusive ? kMaxExclusive : kMax;
  const uint32_t count = std::min(std::bit_ceil(std::max(cpus, 1u)), most);
  const size_t first = in_lines(sizeof(Stripes) + count * sizeof(Word*));
  const size_t stride = in_lines(words_per_cell * sizeof(Word));
  void* block = memory.Allocate(first + count * stride, kLineBytes);
  return block == nullptr ? nullptr : new (block) Stripes(count, first, stride, exclusive);
}

void Stripes::Free(Stripes* stripes, MetricMemory& memory) {
  if (stripes == nullptr) return;
  memory.Free(stripes, stripes->first_ + stripes->count_ * stripes->stride_, kLineBytes);
}

Stripes::Layout Stripes::LayoutOf(const Stripes& foreign) {
  constexpr uint64_t kMost = uint64_t{1} << 40;
  return {std::min(__atomic_load_n(&foreign.first_, __ATOMIC_RELAXED), kMost),
          std::min(__atomic_load_n(&foreign.stride_, __ATOMIC_RELAXED), kMost),
          std::min(__atomic_load_n(&foreign.count_, __ATOMIC_RELAXED), kMaxExclusive)};
}

}  // namespace promplug
