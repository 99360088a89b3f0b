// SPDX-License-Identifier: MIT
#include "metrics/bounds.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace promplug {
namespace {

// So many, some of them negative, and zero among them.
std::vector<double> SomeBounds(size_t n) {
  std::vector<double> bounds;
  for (size_t i = 0; i < n; ++i) {
    bounds.push_back(.1 * (static_cast<double>(i) - static_cast<double>(n / 2)));
  }
  return bounds;
}

// On both sides of the number up to which all bounds are compared.
TEST(BoundsTest, AValueFallsIntoTheFirstBucketThatIsNotBelowIt) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (size_t n = 0; n < 100; ++n) {
    SCOPED_TRACE(testing::Message() << n << " bounds");
    const std::vector<double> all = SomeBounds(n);
    const Bounds bounds(all);
    ASSERT_EQ(bounds.size(), n);
    for (size_t i = 0; i < n; ++i) {
      EXPECT_EQ(bounds.data()[i], all[i]);
      EXPECT_EQ(bounds.BucketOf(all[i]), i);
      EXPECT_EQ(bounds.BucketOf(std::nextafter(all[i], -kInfinity)), i);
      EXPECT_EQ(bounds.BucketOf(std::nextafter(all[i], kInfinity)), i + 1);
    }
    EXPECT_EQ(bounds.BucketOf(-kInfinity), 0u);
    EXPECT_EQ(bounds.BucketOf(-0.), bounds.BucketOf(0.));
    EXPECT_EQ(bounds.BucketOf(std::numeric_limits<double>::max()), n);
    EXPECT_EQ(bounds.BucketOf(kInfinity), n);
  }
}

// A finite bound at the end of all numbers is still below +Inf.
TEST(BoundsTest, TheLargestFiniteBoundHoldsAllButInfinity) {
  const double most = std::numeric_limits<double>::max();
  const Bounds bounds({0, most});
  EXPECT_EQ(bounds.BucketOf(most), 1u);
  EXPECT_EQ(bounds.BucketOf(std::numeric_limits<double>::infinity()), 2u);
}

}  // namespace
}  // namespace promplug
