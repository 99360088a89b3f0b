// SPDX-License-Identifier: MIT
#include "metrics/native_scale.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "unit/metrics/native_reference.hpp"

namespace promplug {
namespace {

constexpr double kMax = std::numeric_limits<double>::max();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kSmallest = std::numeric_limits<double>::denorm_min();

// At every schema, against the definition.
void ExpectTheBucketOf(double v) {
  const int32_t finest = FinestIndex(v);
  for (uint32_t level = 0; level <= kCoarsestLevel; ++level) {
    const int32_t schema = SchemaOfLevel(level);
    ASSERT_EQ(CoarserIndex(finest, level), testing::NativeIndex(schema, v))
        << v << " at schema " << schema;
  }
}

TEST(NativeScale, PutsEveryBoundAndItsNeighboursIntoTheRightBucket) {
  for (int exponent : {-1022, -1021, -3, -1, 0, 1, 10, 1022}) {
    for (int i = 0; i < 256; ++i) {
      const auto bound = static_cast<double>(testing::NativeBound(8, exponent * 256 + i));
      ExpectTheBucketOf(bound);
      ExpectTheBucketOf(std::nextafter(bound, 0));
      ExpectTheBucketOf(std::nextafter(bound, kInf));
    }
  }
}

TEST(NativeScale, PutsPowersOfTwoAtTheEndOfTheirBucket) {
  for (int exponent = -1074; exponent < 1024; ++exponent) {
    const double v = std::ldexp(1.0, exponent);
    EXPECT_EQ(FinestIndex(v), exponent * 256);
    ExpectTheBucketOf(v);
  }
}

TEST(NativeScale, KnowsTheEndsOfTheRange) {
  for (const double v : {kSmallest, 3 * kSmallest, 0x1p-1022, 0x1.fffffffffffffp-1023, kMax,
                         std::nextafter(kMax, 0), kInf}) {
    ExpectTheBucketOf(v);
  }
  EXPECT_EQ(FinestIndex(kMax), 1024 * 256);
  EXPECT_EQ(FinestIndex(kInf), 1024 * 256 + 1);
  EXPECT_EQ(CoarserIndex(FinestIndex(kSmallest), kCoarsestLevel), kLowestCoarsest);
  EXPECT_EQ(CoarserIndex(FinestIndex(kInf), kCoarsestLevel), kHighestCoarsest);
}

TEST(NativeScale, PutsRandomNumbersIntoTheRightBucket) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const double v = std::bit_cast<double>(random() >> 1);
    if (v == v && v > 0) ExpectTheBucketOf(v);
  }
  std::lognormal_distribution<double> usual(-3, 2);
  for (int i = 0; i < 20000; ++i) ExpectTheBucketOf(usual(random));
}

TEST(NativeScale, TakesTheCoarsestSchemaWhoseGrowthIsNotAboveTheWish) {
  const auto schema = [](double growth) { return SchemaOfLevel(LevelOfGrowth(growth)); };
  EXPECT_EQ(schema(1.1), 3);
  EXPECT_EQ(schema(2), 0);
  EXPECT_EQ(schema(std::nextafter(2, 0)), 1);
  EXPECT_EQ(schema(std::sqrt(2.0)), 1);
  EXPECT_EQ(schema(3.9), 0);
  EXPECT_EQ(schema(4), -1);
  EXPECT_EQ(schema(65535), -3);
  EXPECT_EQ(schema(65536), -4);
  EXPECT_EQ(schema(1e300), -4);
  EXPECT_EQ(schema(1.0028), 8);
  EXPECT_EQ(schema(1.0000001), 8);
}

}  // namespace
}  // namespace promplug
