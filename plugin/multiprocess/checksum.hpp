// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace promplug {

// A checksum of bytes that stands in files, so it never changes. Each step is a bijection of what
// went before: a change within one aligned word is always seen, any other one with a probability of
// 1 - 2^-64. It tells damage, not forgery.
inline uint64_t Checksum(std::string_view bytes) {
  constexpr uint64_t kOne = 0x9FB21C651E98DF25u;
  constexpr uint64_t kTwo = 0xD6E8FEB86659FD93u;
  uint64_t sum = kOne ^ bytes.size();
  const auto add = [&](uint64_t word) { sum = std::rotl((sum ^ word) * kTwo, 29) * kOne; };
  size_t at = 0;
  uint64_t word = 0;
  for (; at + sizeof word <= bytes.size(); at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    add(word);
  }
  if (at < bytes.size()) {
    word = 0;
    std::memcpy(&word, bytes.data() + at, bytes.size() - at);
    add(word);
  }
  return sum ^ (sum >> 32);
}

}  // namespace promplug
