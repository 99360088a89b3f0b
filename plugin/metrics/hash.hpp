// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace promplug {

__extension__ using Uint128 = unsigned __int128;

// Both halves of the product folded together: one multiplication spreads every input bit.
inline uint64_t MixWords(uint64_t a, uint64_t b) {
  const Uint128 product = static_cast<Uint128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

template <typename Number>
Number NumberAt(const char* p) {
  Number number;
  std::memcpy(&number, p, sizeof number);
  return number;
}

// The words that a text of at most 16 bytes begins and ends with, of the largest size that fits:
// they meet or overlap, so that with the length they say every byte.
struct EndWords {
  uint64_t first;
  uint64_t last;
};
template <typename Number>
EndWords EndWordsAs(const char* p, size_t n) {
  return {NumberAt<Number>(p), NumberAt<Number>(p + n - sizeof(Number))};
}
inline EndWords EndWordsOf(const char* p, size_t n) {
  if (n >= 4) return n >= 8 ? EndWordsAs<uint64_t>(p, n) : EndWordsAs<uint32_t>(p, n);
  if (n >= 2) return EndWordsAs<uint16_t>(p, n);
  return n == 1 ? EndWordsAs<uint8_t>(p, n) : EndWords{0, 0};
}

// The seed for a further text of the same hash.
inline constexpr uint64_t kSeedFactor = 0x9E3779B97F4A7C15u;
inline uint64_t NextSeed(uint64_t seed) { return seed * kSeedFactor + 0xD1B54A32D192ED03u; }

// A hash of bytes, mixed with a seed. Never stored, so it may change between versions. Who does not
// know the seed cannot choose bytes that collide: no factor of a product can be made zero, the
// factors cannot change places, since what they are mixed with differs by what nobody knows, and
// nobody knows what a length adds.
inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  const uint64_t key = NextSeed(seed);
  const char* p = bytes.data();
  const size_t n = bytes.size();
  // So that a seed of few bits is as good as another.
  uint64_t hash = seed ^ kSeedFactor;
  EndWords ends;
  if (n <= 16) {
    ends = EndWordsOf(p, n);
  } else {
    const char* const last = p + n - 16;
    do {
      hash = MixWords(NumberAt<uint64_t>(p) ^ hash, NumberAt<uint64_t>(p + 8) ^ key);
      p += 16;
    } while (p < last);
    ends = EndWordsAs<uint64_t>(last, 16);
  }
  return MixWords(ends.first ^ hash, ends.last ^ key) + n * key;
}

// memcmp() == 0, without a call where the bytes are few, as label values are.
inline bool EqualBytes(const char* a, const char* b, size_t n) {
  const auto differ = [&](auto of, size_t at) -> uint64_t {
    return NumberAt<decltype(of)>(a + at) ^ NumberAt<decltype(of)>(b + at);
  };
  const auto ends_differ = [&](auto of) { return differ(of, 0) | differ(of, n - sizeof of); };
  uint64_t different = 0;
  if (n >= 8) {
    if (n > 32) return std::memcmp(a, b, n) == 0;
    different = ends_differ(uint64_t{});
    if (n > 16) different |= differ(uint64_t{}, 8) | differ(uint64_t{}, n - 16);
  } else if (n >= 4) {
    different = ends_differ(uint32_t{});
  } else if (n >= 2) {
    different = ends_differ(uint16_t{});
  } else if (n == 1) {
    different = differ(uint8_t{}, 0);
  }
  return different == 0;
}

}  // namespace promplug
