// SPDX-License-Identifier: MIT
#include "metrics/hash.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

namespace promplug {
namespace {

TEST(HashTest, EqualBytesSeesEveryByteAtEveryLength) {
  for (size_t n = 0; n <= 70; ++n) {
    // On the heap and to the byte, so that a read beyond the end is seen by a sanitizer.
    const std::string text(n, 'a');
    const std::vector<char> one(text.begin(), text.end());
    EXPECT_TRUE(EqualBytes(one.data(), text.data(), n)) << n;
    for (size_t i = 0; i < n; ++i) {
      std::vector<char> other(one);
      other[i] ^= 1;
      EXPECT_FALSE(EqualBytes(one.data(), other.data(), n)) << i << " of " << n;
    }
  }
}

TEST(HashTest, EveryByteAndTheLengthCount) {
  constexpr uint64_t kSeed = 0x0123456789ABCDEFu;
  std::set<uint64_t> seen;
  size_t made = 0;
  for (size_t n = 0; n <= 70; ++n) {
    std::vector<char> text(n, 'a');
    seen.insert(HashBytes({text.data(), n}, kSeed)), ++made;
    for (size_t i = 0; i < n; ++i) {
      text[i] = 'b';
      seen.insert(HashBytes({text.data(), n}, kSeed)), ++made;
      text[i] = 'a';
    }
  }
  EXPECT_EQ(seen.size(), made);
}

// A table of 2^16 places, as those of a family have: its slots are found by the low bits.
TEST(HashTest, NumbersSpreadOverATable) {
  constexpr size_t kPlaces = size_t{1} << 16;
  for (const uint64_t seed :
       {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, uint64_t{0xD1B54A32D192ED03}}) {
    std::vector<bool> taken(kPlaces);
    size_t used = 0;
    for (size_t i = 0; i < kPlaces; ++i) {
      const size_t place = HashBytes(std::to_string(i), seed) % kPlaces;
      used += taken[place] ? 0 : 1;
      taken[place] = true;
    }
    // By chance 1 - 1/e of the places are taken: 41 427, give or take 104.
    EXPECT_NEAR(static_cast<double>(used), 41427, 1000) << seed;
  }
}

// With a constant as one factor of a product, a text that is equal to it makes the hash zero
// whatever the other factor is, and so many texts collide.
TEST(HashTest, WhoDoesNotKnowTheSeedCannotMakeAProductZero) {
  constexpr uint64_t kConstants[] = {0x9E3779B97F4A7C15u, 0xD1B54A32D192ED03u,
                                     0x9E3779B97F4A7C15u ^ 0xD1B54A32D192ED03u,
                                     0x9E3779B97F4A7C15u * 16, 0x9E3779B97F4A7C15u * 32};
  constexpr uint64_t kSeed = 0x0123456789ABCDEFu;
  for (const uint64_t constant : kConstants) {
    for (const size_t blocks : {size_t{1}, size_t{2}}) {
      for (const size_t place : {size_t{0}, size_t{8}}) {
        std::set<uint64_t> seen;
        for (uint64_t other = 0; other < 100; ++other) {
          std::string text(blocks * 16, 'x');
          std::memcpy(text.data() + place, &constant, 8);
          std::memcpy(text.data() + 8 - place, &other, 8);
          seen.insert(HashBytes(text, kSeed));
        }
        EXPECT_EQ(seen.size(), 100u) << std::hex << constant << " at " << place;
      }
    }
  }
}

uint64_t HashWords(uint64_t first, uint64_t last, uint64_t seed) {
  char text[16];
  std::memcpy(text, &first, 8);
  std::memcpy(text + 8, &last, 8);
  return HashBytes({text, sizeof text}, seed);
}

// What the two words of a text are mixed with must not differ by what is known, or they could
// change places.
TEST(HashTest, WhoDoesNotKnowTheSeedCannotSwapTheFactors) {
  constexpr uint64_t kConstants[] = {0, 0x9E3779B97F4A7C15u, 0xD1B54A32D192ED03u,
                                     0x9E3779B97F4A7C15u ^ 0xD1B54A32D192ED03u,
                                     16 * 0x9E3779B97F4A7C15u ^ 0xD1B54A32D192ED03u};
  constexpr uint64_t kSeed = 0x0123456789ABCDEFu;
  constexpr uint64_t kFirst = 0x6161616161616161u;
  constexpr uint64_t kLast = 0x6262626262626262u;
  for (const uint64_t constant : kConstants) {
    EXPECT_NE(HashWords(kFirst, kLast, kSeed),
              HashWords(kLast ^ constant, kFirst ^ constant, kSeed))
        << std::hex << constant;
  }
}

// Nor may what a length adds be known: a text could make up for it.
TEST(HashTest, WhoDoesNotKnowTheSeedCannotMakeUpForALength) {
  constexpr uint64_t kSeed = 0x0123456789ABCDEFu;
  for (const uint64_t constant : {0x9E3779B97F4A7C15u, 0xD1B54A32D192ED03u}) {
    for (size_t n = 8; n < 16; ++n) {
      // A word of which each byte is the same begins and ends a text of any of these lengths.
      const std::string shorter(n, 'a');
      constexpr uint64_t kWord = 0x6161616161616161u;
      const uint64_t difference = (n * constant) ^ (16 * constant);
      EXPECT_NE(HashBytes(shorter, kSeed), HashWords(kWord ^ difference, kWord, kSeed)) << n;
    }
  }
}

}  // namespace
}  // namespace promplug
