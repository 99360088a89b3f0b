// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace promplug {

// 16 bytes of text that are looked at together. A comparison has 0xFF for each byte that holds, so
// that comparisons are joined with & and |.
using ByteBlock = uint8_t __attribute__((vector_size(16)));
inline constexpr size_t kBlockBytes = sizeof(ByteBlock);

// REQUIRES: kBlockBytes bytes can be read at p
inline ByteBlock LoadBlock(const char* p) {
  ByteBlock block;
  std::memcpy(&block, p, sizeof block);
  return block;
}

inline ByteBlock EveryByte(uint8_t byte) { return byte - ByteBlock{}; }

inline ByteBlock IsByte(ByteBlock block, char byte) {
  return reinterpret_cast<ByteBlock>(block == EveryByte(static_cast<uint8_t>(byte)));
}

// REQUIRES: low <= high
inline ByteBlock IsBetween(ByteBlock block, char low, char high) {
  const auto first = static_cast<uint8_t>(low);
  const auto width = static_cast<uint8_t>(high - low);
  return reinterpret_cast<ByteBlock>(block - EveryByte(first) <= EveryByte(width));
}

// Bit i says whether byte i has its highest bit: it is outside of ASCII, or a comparison holds.
inline uint32_t HighBits(ByteBlock block) {
#if defined(__SSE2__)
  return static_cast<uint32_t>(_mm_movemask_epi8(reinterpret_cast<__m128i>(block)));
#else
  uint32_t bits = 0;
  for (size_t i = 0; i < kBlockBytes; ++i) bits |= static_cast<uint32_t>(block[i] >> 7) << i;
  return bits;
#endif
}

}  // namespace promplug
