// SPDX-License-Identifier: MIT
#include "metrics/stripes.hpp"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <new>

namespace promplug {

Stripes* Stripes::Make(size_t words_per_cell, uint32_t cpus) {
  const uint32_t count = std::min(std::bit_ceil(std::max(cpus, 1u)), kMax);
  const size_t stride = std::bit_ceil(std::max(words_per_cell * sizeof(Word), kLineBytes));
  const size_t total = kLineBytes + count * stride;
  void* memory = std::aligned_alloc(kLineBytes, total);
  if (memory == nullptr) return nullptr;
  std::memset(memory, 0, total);
  return new (memory) Stripes(count - 1, static_cast<uint32_t>(std::countr_zero(stride)));
}

void Stripes::Free(Stripes* stripes) { std::free(stripes); }

}  // namespace promplug
