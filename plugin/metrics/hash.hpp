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

// A hash of bytes, mixed with a seed. Never stored, so it may change between versions.
inline uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  constexpr uint64_t kOne = 0x9E3779B97F4A7C15u;
  constexpr uint64_t kTwo = 0xD1B54A32D192ED03u;
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t hash = seed ^ (left * kOne);
  uint64_t low = 0;
  uint64_t high = 0;
  while (left > 16) {
    std::memcpy(&low, p, 8);
    std::memcpy(&high, p + 8, 8);
    hash = MixWords(low ^ kTwo, high ^ hash);
    p += 16;
    left -= 16;
  }
  low = high = 0;
  if (left >= 8) {
    std::memcpy(&low, p, 8);
    std::memcpy(&high, p + left - 8, 8);
  } else if (left >= 4) {
    std::memcpy(&low, p, 4);
    std::memcpy(&high, p + left - 4, 4);
  } else if (left > 0) {
    low = static_cast<unsigned char>(p[0]);
    high = static_cast<uint64_t>(static_cast<unsigned char>(p[left / 2])) << 8 |
           static_cast<unsigned char>(p[left - 1]);
  }
  return MixWords(low ^ kTwo, high ^ hash ^ kOne);
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
    uint64_t different = differ(uint64_t{}, n - 8);
    for (size_t at = 0; at + 8 < n; at += 8) different |= differ(uint64_t{}, at);
    return different == 0;
  }
  if (n >= 4) return (differ(uint32_t{}, 0) | differ(uint32_t{}, n - 4)) == 0;
  for (size_t i = 0; i < n; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

}  // namespace promplug
