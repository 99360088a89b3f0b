// SPDX-License-Identifier: MIT
#include "exposition/digits.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <iomanip>
#include <random>
#include <sstream>
#include <string>

namespace promplug::digits {
namespace {

std::string Padded(uint64_t v, int width) {
  std::ostringstream text;
  text << std::setfill('0') << std::setw(width) << v;
  return text.str();
}

std::string Eight(uint64_t v) {
  const uint64_t digits = EightDigits(v) + 0x3030303030303030;
  return {reinterpret_cast<const char*>(&digits), sizeof digits};
}

void ExpectSixteen(uint64_t v) {
  char text[17];
  text[16] = '!';
  const size_t used = WriteSixteen(text, v);
  const std::string expected = Padded(v, 16);
  ASSERT_EQ(std::string(text, 16), expected);
  ASSERT_EQ(text[16], '!');
  ASSERT_EQ(used, v == 0 ? 1 : expected.find_last_not_of('0') + 1);
  char by_words[16];
  ASSERT_EQ(WriteSixteenByWords(by_words, v / kTenTo8, v % kTenTo8), used);
  ASSERT_EQ(std::string(by_words, 16), expected);
}

TEST(Digits, EachNumberBelowAThousandIsRight) {
  for (uint64_t v = 0; v < 1000; ++v) {
    char text[4];
    ASSERT_EQ(std::string(text, WriteThree(text, v)), Padded(v, 3));
    ASSERT_EQ(std::string(text, WriteUpToThree(text, v)), std::to_string(v));
  }
}

// A quotient that is right at each multiple of the divisor and just below it is right between.
TEST(Digits, EightAreSplitRightWhereQuotientsChange) {
  for (uint64_t upper = 0; upper < 10000; ++upper) {
    for (const uint64_t v : {10000 * upper, 10000 * upper + 9999, 12340000 + upper}) {
      ASSERT_EQ(Eight(v), Padded(v, 8));
    }
  }
}

TEST(Digits, SixteenAreSplitRightWhereQuotientsChange) {
  constexpr uint64_t kHalf = 100000000;
  for (uint64_t upper = 0; upper < 10000; ++upper) {
    for (const uint64_t eight : {10000 * upper, 10000 * upper + 9999, 12340000 + upper}) {
      for (const uint64_t other : {uint64_t{0}, uint64_t{1}, uint64_t{98765432}, kHalf - 1}) {
        ASSERT_NO_FATAL_FAILURE(ExpectSixteen(eight * kHalf + other));
        ASSERT_NO_FATAL_FAILURE(ExpectSixteen(other * kHalf + eight));
      }
    }
  }
}

TEST(Digits, SixteenAreCountedUpToTheLastThatIsNotZero) {
  std::mt19937_64 random(1);
  uint64_t power = 1;
  for (int zeros = 0; zeros < 16; ++zeros, power *= 10) {
    for (int i = 0; i < 1000; ++i) {
      ASSERT_NO_FATAL_FAILURE(ExpectSixteen(random() % (10000000000000000 / power) * power));
    }
  }
}

}  // namespace
}  // namespace promplug::digits
