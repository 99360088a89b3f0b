// SPDX-License-Identifier: MIT
#include "exposition/numbers.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cfloat>
#include <charconv>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

namespace promplug {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

template <typename T>
std::string Written(char* (*write)(char*, T), T v) {
  char text[kNumberSpanBytes + 1];
  text[kNumberSpanBytes] = '!';
  char* const end = write(text, v);
  EXPECT_LE(end - text, static_cast<ptrdiff_t>(kMaxNumberBytes));
  EXPECT_EQ(text[kNumberSpanBytes], '!') << "wrote too much for " << v;
  return {text, end};
}
std::string Value(double v) { return Written(&WriteValue, v); }
std::string Bound(double v) { return Written(&WriteBound, v); }

double Read(const std::string& text) {
  double v = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), v);
  EXPECT_EQ(error, std::errc()) << text;
  EXPECT_EQ(end, text.data() + text.size()) << text;
  return v;
}

bool SameBits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

// Digits without leading and trailing zeros: what "shortest" is about.
size_t SignificantDigits(const std::string& text) {
  std::string digits;
  for (const char c : text.substr(0, text.find('e'))) {
    if (c >= '0' && c <= '9') digits += c;
  }
  const size_t first = digits.find_first_not_of('0');
  return first == std::string::npos ? 0 : digits.find_last_not_of('0') - first + 1;
}

// Without a digit that is not needed, up to where whole numbers are written out.
void ExpectShort(double v) {
  char shortest[32];
  const auto end =
      std::to_chars(shortest, std::end(shortest), v, std::chars_format::scientific).ptr;
  if (std::fabs(v) < 9007199254740992.0) {
    ASSERT_EQ(SignificantDigits(Value(v)), SignificantDigits({shortest, end})) << Value(v);
  } else {
    ASSERT_LE(Value(v).size(), static_cast<size_t>(end - shortest)) << Value(v);
  }
}

TEST(Numbers, UnsignedIsRightAtEachPowerOfTenAndBesideIt) {
  EXPECT_EQ(Written(&WriteUnsigned, uint64_t{0}), "0");
  uint64_t power = 1;
  for (int i = 0; i < 20; ++i, power *= 10) {
    for (const uint64_t v : {power - 1, power, power + 1, 9 * (power / 2), power * 3 / 2}) {
      EXPECT_EQ(Written(&WriteUnsigned, v), std::to_string(v));
    }
  }
  const uint64_t last = std::numeric_limits<uint64_t>::max();
  EXPECT_EQ(Written(&WriteUnsigned, last), std::to_string(last));
}

TEST(Numbers, UnsignedIsRightForEachBitWidth) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t v = random() >> (i % 64);
    ASSERT_EQ(Written(&WriteUnsigned, v), std::to_string(v));
  }
}

TEST(Numbers, SignedIsRightAtBothEnds) {
  for (const int64_t v : {std::numeric_limits<int64_t>::min(), int64_t{-1}, int64_t{0}, int64_t{7},
                          std::numeric_limits<int64_t>::max()}) {
    EXPECT_EQ(Written(&WriteSigned, v), std::to_string(v));
  }
}

TEST(Numbers, ValuesThatAreWholeHaveNoPointAndNoExponent) {
  EXPECT_EQ(Value(0), "0");
  EXPECT_EQ(Value(1), "1");
  EXPECT_EQ(Value(-1), "-1");
  EXPECT_EQ(Value(1e6), "1000000");
  EXPECT_EQ(Value(9007199254740991), "9007199254740991");
  EXPECT_EQ(Value(-9007199254740991), "-9007199254740991");
}

TEST(Numbers, ValuesThatAreNoNumbersHaveTheNamesOfTheFormat) {
  EXPECT_EQ(Value(kNan), "NaN");
  EXPECT_EQ(Value(-kNan), "NaN");
  EXPECT_EQ(Value(kInf), "+Inf");
  EXPECT_EQ(Value(-kInf), "-Inf");
}

TEST(Numbers, ValuesWithAFractionAreShort) {
  EXPECT_EQ(Value(0.1), "0.1");
  EXPECT_EQ(Value(-0.25), "-0.25");
  EXPECT_EQ(Value(99.97), "99.97");
  EXPECT_EQ(Value(0.000001), "0.000001");
  EXPECT_EQ(Value(0.0000015), "1.5e-06");
  EXPECT_EQ(Value(-1023.500001), "-1023.500001");
  EXPECT_EQ(Value(999999999.999999), "999999999.999999");
  EXPECT_EQ(Value(0.30000000000000004), "0.30000000000000004");
  EXPECT_EQ(Value(123456789.000001), "123456789.000001");
  EXPECT_EQ(Value(1.0 / 3), "0.3333333333333333");
  EXPECT_EQ(Value(1e300), "1e+300");
}

TEST(Numbers, ANegativeZeroStaysNegative) { EXPECT_TRUE(SameBits(Read(Value(-0.0)), -0.0)); }

TEST(Numbers, AnyBitsReadBackTheSameAndShortest) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 200000; ++i) {
    const auto v = std::bit_cast<double>(random());
    if (!std::isfinite(v)) continue;
    ASSERT_TRUE(SameBits(Read(Value(v)), v)) << Value(v);
    ASSERT_TRUE(SameBits(Read(Bound(v)), v)) << Bound(v);
    ASSERT_NO_FATAL_FAILURE(ExpectShort(v));
  }
}

TEST(Numbers, ValuesOfEverydaySizeReadBackTheSameAndShortest) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 300000; ++i) {
    const double scale = std::pow(10, static_cast<int>(random() % 13));
    double v = static_cast<double>(random() % 1000000000000) / scale;
    if (i % 3 == 1) v = std::nextafter(v, kInf);
    if (i % 3 == 2) v = -std::nextafter(v, -kInf);
    ASSERT_TRUE(SameBits(Read(Value(v)), v)) << Value(v);
    ASSERT_NO_FATAL_FAILURE(ExpectShort(v));
  }
}

TEST(Numbers, ValuesOfEachMagnitudeReadBackTheSameAndShortest) {
  std::mt19937_64 random(4);
  for (int exponent = -30; exponent < 60; ++exponent) {
    for (int i = 0; i < 2000; ++i) {
      // Mantissas of many lengths; 0 is a power of two, whose neighbours are unevenly far.
      const uint64_t mantissa = i == 0 ? 0 : (random() >> 12 >> (i % 40)) << (i % 40);
      const double v =
          std::ldexp(1 + static_cast<double>(mantissa) / static_cast<double>(1ULL << 52), exponent);
      for (const double w : {v, std::nextafter(v, 0), std::nextafter(v, kInf)}) {
        ASSERT_TRUE(SameBits(Read(Value(w)), w)) << Value(w);
        ASSERT_NO_FATAL_FAILURE(ExpectShort(w));
      }
    }
  }
}

// Byte for byte what the C++ library writes, which is the nearest of the shortest.
void ExpectNearest(double v) {
  char shortest[64];
  const auto end = std::to_chars(shortest, std::end(shortest), v, std::chars_format::fixed).ptr;
  ASSERT_EQ(Value(v), std::string(shortest, end));
}

TEST(Numbers, FractionsOfEachScaleAreTheNearestOfTheShortest) {
  std::mt19937_64 random(5);
  constexpr uint64_t kLast = (uint64_t{1} << 52) - 1;
  for (int exponent = -14; exponent < 53; ++exponent) {
    for (int i = 0; i < 3000; ++i) {
      const uint64_t any = random() >> 12;
      const uint64_t mantissas[] = {any, any >> 12 << (i % 52) & kLast, any >> (i % 52),
                                    kLast - (any >> (i % 52))};
      for (const uint64_t mantissa : mantissas) {
        const auto biased = static_cast<uint64_t>(1023 + exponent);
        const auto v = std::bit_cast<double>(biased << 52 | mantissa);
        if (v < 1e-4 || v == std::floor(v)) continue;
        ASSERT_NO_FATAL_FAILURE(ExpectNearest(v));
        ASSERT_NO_FATAL_FAILURE(ExpectNearest(-v));
      }
    }
  }
}

TEST(Numbers, OfTwoShortestThatAreAsNearTheEvenOneIsWritten) {
  EXPECT_EQ(Value(1125899906842624.25), "1125899906842624.2");
  EXPECT_EQ(Value(1125899906842624.75), "1125899906842624.8");
  EXPECT_EQ(Value(-4503599627370495.5), "-4503599627370495.5");
}

TEST(Numbers, ExtremesFit) {
  for (const double v : {DBL_MAX, -DBL_MAX, DBL_MIN, -DBL_MIN, DBL_TRUE_MIN, -DBL_TRUE_MIN,
                         -2.2250738585072014e-308, -1.7976931348623157e+308, 9007199254740992.0,
                         -9007199254740993e3, 1e22, 1e23, 123456789012345680.0}) {
    EXPECT_TRUE(SameBits(Read(Value(v)), v)) << Value(v);
    EXPECT_TRUE(SameBits(Read(Bound(v)), v)) << Bound(v);
  }
}

// Made with Go: strconv.FormatFloat(v, 'g', -1, 64).
TEST(Numbers, BoundsAreWrittenAsGoWritesThem) {
  EXPECT_EQ(Bound(0), "0");
  EXPECT_EQ(Bound(1), "1");
  EXPECT_EQ(Bound(-1), "-1");
  EXPECT_EQ(Bound(0.005), "0.005");
  EXPECT_EQ(Bound(2.5), "2.5");
  EXPECT_EQ(Bound(0.0001), "0.0001");
  EXPECT_EQ(Bound(0.00001), "1e-05");
  EXPECT_EQ(Bound(100000), "100000");
  EXPECT_EQ(Bound(999999.5), "999999.5");
  EXPECT_EQ(Bound(1e6), "1e+06");
  EXPECT_EQ(Bound(1234567), "1.234567e+06");
  EXPECT_EQ(Bound(-2.5e7), "-2.5e+07");
  EXPECT_EQ(Bound(1e20), "1e+20");
  EXPECT_EQ(Bound(1e100), "1e+100");
  EXPECT_EQ(Bound(kInf), "+Inf");
  EXPECT_EQ(Bound(-kInf), "-Inf");
  EXPECT_EQ(Bound(kNan), "NaN");
}

TEST(Numbers, CanonicalBoundsOfWholeNumbersHaveAFraction) {
  const auto canonical = [](double v) { return Written(&WriteCanonicalBound, v); };
  EXPECT_EQ(canonical(0), "0.0");
  EXPECT_EQ(canonical(1), "1.0");
  EXPECT_EQ(canonical(-100000), "-100000.0");
  EXPECT_EQ(canonical(1e6), "1e+06");
  EXPECT_EQ(canonical(0.005), "0.005");
  EXPECT_EQ(canonical(kInf), "+Inf");
  EXPECT_EQ(canonical(-kInf), "-Inf");
  EXPECT_EQ(canonical(kNan), "NaN");
}

TEST(Numbers, MillisecondsAreWrittenAsSeconds) {
  const auto seconds = [](int64_t ms) { return Written(&WriteSeconds, ms); };
  EXPECT_EQ(seconds(0), "0");
  EXPECT_EQ(seconds(1), "0.001");
  EXPECT_EQ(seconds(-1), "-0.001");
  EXPECT_EQ(seconds(1500), "1.5");
  EXPECT_EQ(seconds(-20000), "-20");
  EXPECT_EQ(seconds(1395066363010), "1395066363.01");
  EXPECT_EQ(seconds(std::numeric_limits<int64_t>::max()), "9223372036854775.807");
  EXPECT_EQ(seconds(std::numeric_limits<int64_t>::min()), "-9223372036854775.808");
}

}  // namespace
}  // namespace promplug
