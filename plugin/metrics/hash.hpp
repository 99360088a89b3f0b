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

// The part of HashBytes() for all but the last 16 bytes of a longer text. Apart, because the
// registers that it needs would be taken from those of short texts.
[[gnu::noinline]] inline uint64_t HashBlocks(const char* p, size_t blocks, uint64_t hash,
                                             uint64_t key) {
  for (const char* const end = p + blocks * 16; p != end; p += 16) {
    uint64_t low = 0;
    uint64_t high = 0;
    std::memcpy(&low, p, 8);
    std::memcpy(&high, p + 8, 8);
    hash = MixWords(low ^ hash, high ^ key);
  }
  return hash;
}

// A hash of bytes, mixed with a seed. Never stored, so it may change between versions. Who does not
// know the seed cannot choose bytes that collide: it is in both factors of every product, so that
// none of them can be made zero.
inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kOne = 0x9E3779B97F4A7C15u;
  constexpr uint64_t kTwo = 0xD1B54A32D192ED03u;
  const char* p = bytes.data();
  size_t left = bytes.size();
  const uint64_t key = seed ^ kTwo;
  uint64_t hash = seed ^ (left * kOne);
  if (left > 16) {
    const size_t blocks = (left - 1) / 16;
    hash = HashBlocks(p, blocks, hash, key);
    p += blocks * 16;
    left -= blocks * 16;
  }
  if (left >= 8) {
    uint64_t low = 0;
    uint64_t high = 0;
    std::memcpy(&low, p, 8);
    std::memcpy(&high, p + left - 8, 8);
    return MixWords(low ^ hash, high ^ key);
  }
  if (left >= 4) {
    uint32_t low = 0;
    uint32_t high = 0;
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + left - 4, 4);
    return MixWords(low ^ hash, high ^ key);
  }
  if (left == 0) return MixWords(hash, key);
  const uint64_t low = static_cast<unsigned char>(p[0]);
  const uint64_t high = static_cast<uint64_t>(static_cast<unsigned char>(p[left / 2])) << 8 |
                        static_cast<unsigned char>(p[left - 1]);
  return MixWords(low ^ hash, high ^ key);
}

// memcmp() == 0, without a call where the bytes are few, as label values are.
inline bool EqualBytes(const char* a, const char* b, size_t n) {
  const auto differ = [&](auto word, size_t at) {
    auto other = word;
    std::memcpy(&word, a + at, sizeof word);
    std::memcpy(&other, b + at, sizeof other);
    return word ^ other;
  };
  if (n > 32) return std::memcmp(a, b, n) == 0;
  if (n >= 8) {
    uint64_t different = differ(uint64_t{}, 0) | differ(uint64_t{}, n - 8);
    if (n > 16) different |= differ(uint64_t{}, 8) | differ(uint64_t{}, n - 16);
    return different == 0;
  }
  if (n >= 4) return (differ(uint32_t{}, 0) | differ(uint32_t{}, n - 4)) == 0;
  if (n == 0) return true;
  return a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1];
}

}  // namespace promplug
