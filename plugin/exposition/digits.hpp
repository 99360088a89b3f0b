// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

// Decimal digits of which many are made at once: what numbers are written with. Reentrant.
namespace promplug::digits {

static_assert(std::endian::native == std::endian::little);

// By number below 1000: its three digits as text, the first in the lowest byte; in the highest
// byte 8 for each leading zero, none of which is the last digit.
inline constexpr std::array<uint32_t, 1000> kThreeDigits = [] {
  std::array<uint32_t, 1000> texts{};
  for (uint32_t v = 0; v < 1000; ++v) {
    const uint32_t digits = v / 100 | v / 10 % 10 << 8 | v % 10 << 16;
    const uint32_t leading_zeros = v < 10 ? 2 : v < 100 ? 1 : 0;
    texts[v] = digits | 0x303030 | (8 * leading_zeros) << 24;
  }
  return texts;
}();

// Writes the three digits of `v`, and a byte of anything behind them. Returns the end of the
// digits. REQUIRES: v < 1000
inline char* WriteThree(char* out, uint64_t v) {
  std::memcpy(out, &kThreeDigits[v], 4);
  return out + 3;
}

// The same without leading zeros, and up to three bytes of anything.
inline char* WriteUpToThree(char* out, uint64_t v) {
  const uint32_t three = kThreeDigits[v];
  const uint32_t leading_bits = three >> 24;
  const uint32_t text = three >> leading_bits;
  std::memcpy(out, &text, 4);
  return out + 3 - leading_bits / 8;
}

inline constexpr uint64_t kTenTo4 = 10000;
inline constexpr uint64_t kTenTo8 = 100000000;

// Below, a number is split in halves until each byte has one digit. The divisions are
// multiplications that are exact for what is split. The quotient stays where it is, what is left
// comes behind it, and the two are
//   quotient + ((v - divisor * quotient) << bits) = (v << bits) + quotient * (1 - (divisor <<
//   bits))

// Each byte is a digit of `v`, the first the lowest. REQUIRES: v < kTenTo8
inline uint64_t EightDigits(uint64_t v) {
  const uint64_t upper = (v * 109951163) >> 40;
  const uint64_t fours = (v << 32) + upper * (1 - (kTenTo4 << 32));
  const uint64_t hundreds = ((fours * 5243) >> 19) & 0x0000007F0000007F;
  const uint64_t pairs = (fours << 16) + hundreds * (1 - (uint64_t{100} << 16));
  const uint64_t tens = ((pairs * 103) >> 10) & 0x000F000F000F000F;
  return (pairs << 8) + tens * (1 - (uint64_t{10} << 8));
}

#if defined(__SSE2__)
// The digits of `upper`, then those of `lower`. REQUIRES: both are below kTenTo8
inline __m128i SixteenDigits(uint64_t upper, uint64_t lower) {
  const __m128i eights = _mm_unpacklo_epi64(_mm_cvtsi64_si128(static_cast<int64_t>(upper)),
                                            _mm_cvtsi64_si128(static_cast<int64_t>(lower)));
  const __m128i quotients = _mm_srli_epi64(_mm_mul_epu32(eights, _mm_set1_epi64x(109951163)), 40);
  const __m128i rests = _mm_sub_epi64(eights, _mm_mul_epu32(quotients, _mm_set1_epi64x(kTenTo4)));
  const __m128i fours = _mm_or_si128(quotients, _mm_slli_epi64(rests, 32));
  const __m128i behind = _mm_slli_epi32(fours, 16);
  const __m128i hundreds =
      _mm_srli_epi16(_mm_mulhi_epu16(_mm_or_si128(fours, behind), _mm_set1_epi16(5243)), 3);
  const __m128i once_and_back = _mm_set_epi16(-100, 1, -100, 1, -100, 1, -100, 1);
  const __m128i pairs = _mm_add_epi16(behind, _mm_mullo_epi16(hundreds, once_and_back));
  const __m128i tens = _mm_mulhi_epu16(pairs, _mm_set1_epi16(6554));
  return _mm_add_epi16(_mm_slli_epi16(pairs, 8),
                       _mm_mullo_epi16(tens, _mm_set1_epi16(1 - (10 << 8))));
}
#endif

// As WriteSixteen(), of two halves below kTenTo8, by words of 64 bits.
inline size_t WriteSixteenByWords(char* out, uint64_t upper, uint64_t lower) {
  constexpr uint64_t kZeros = 0x3030303030303030;
  const uint64_t eights[] = {EightDigits(upper), EightDigits(lower)};
  const uint64_t texts[] = {eights[0] | kZeros, eights[1] | kZeros};
  std::memcpy(out, texts, sizeof texts);
  const size_t used_bits =
      eights[1] != 0 ? 64 + std::bit_width(eights[1]) : std::bit_width(eights[0] | 1);
  return (used_bits + 7) / 8;
}

// Writes the 16 digits of `v`. Returns how many of them there are up to the last that is not 0, at
// least one. REQUIRES: v < 10^16
inline size_t WriteSixteen(char* out, uint64_t v) {
  const uint64_t upper = v / kTenTo8;
  const uint64_t lower = v - upper * kTenTo8;
#if defined(__SSE2__)
  const __m128i digits = SixteenDigits(upper, lower);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_or_si128(digits, _mm_set1_epi8('0')));
  const int zeros = _mm_movemask_epi8(_mm_cmpeq_epi8(digits, _mm_setzero_si128()));
  return static_cast<size_t>(std::bit_width((static_cast<uint32_t>(zeros) ^ 0xFFFF) | 1));
#else
  return WriteSixteenByWords(out, upper, lower);
#endif
}

}  // namespace promplug::digits
