// SPDX-License-Identifier: MIT
// Sums of doubles do not show in which order, and by way of which files, they were added up.
#include "multiprocess/double_sum.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "support/part_text.hpp"
#include "support/part_values.hpp"

namespace promplug {
namespace {

using testing::PartFamily;
using testing::PartValue;
using testing::PartValues;

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(DoubleSumTest, KeepsWhatRoundingLoses) {
  DoubleSum sum;
  for (const double addend : {1.0, 1e100, 1.0, -1e100}) sum.Add(addend);
  EXPECT_EQ(sum.Rounded(), 2);
  EXPECT_EQ(sum.Rest(), 0);
  DoubleSum tenths;
  for (int i = 0; i < 10; ++i) tenths.Add(0.1);
  EXPECT_EQ(tenths.Rounded(), 1);
  EXPECT_NE(tenths.Rest(), 0) << "0.1 is a little more than a tenth";
}

TEST(DoubleSumTest, WhatIsNotFiniteStaysSo) {
  for (const double first : {kInf, -kInf, std::nan("")}) {
    DoubleSum sum{first, 0};
    sum.Add(1);
    sum.Add(0.1);
    if (std::isnan(first)) {
      EXPECT_TRUE(std::isnan(sum.Rounded()));
    } else {
      EXPECT_EQ(sum.Rounded(), first);
    }
    EXPECT_EQ(sum.Rest(), 0);
  }
  DoubleSum sum{-0.0, 0};
  EXPECT_TRUE(std::signbit(sum.Rounded()));
}

// What processes have counted, of which some live, some are dead, and the rest was folded, one
// after the other.
class SumOfSetTest : public ::testing::TestWithParam<MetricType> {
 protected:
  static constexpr PartOwner kRetained{PartOwner::State::kRetained, 0};

  PartFamily FamilyOf(double sum) const {
    PartValue value = GetParam() == MetricType::kCounter ? PartValue::Double("", sum)
                      : GetParam() == MetricType::kSummary
                          ? PartValue::Summary("", {}, {}, 1, sum)
                          : PartValue::Histogram("", {1}, {1, 1}, sum);
    return {"x", GetParam(), {value}};
  }
  static void Add(const PartOwner& owner, const PartFamily& family, SetMerge* merge) {
    PartValues points(family.points);
    merge->Add(family.Head(), owner, &points);
  }
  static void AddRetained(const std::string& bytes, SetMerge* merge) {
    ASSERT_TRUE(DecodeParts(bytes, [&](const PartHead& head, PartPoints* points) {
                  merge->Add(head, kRetained, points);
                }).ok());
  }
  static SetMerge NewMerge() {
    return SetMerge(
        [](std::string_view, std::string_view, std::string text) { ADD_FAILURE() << text; });
  }
};
INSTANTIATE_TEST_SUITE_P(Types, SumOfSetTest,
                         ::testing::Values(MetricType::kCounter, MetricType::kHistogram,
                                           MetricType::kSummary));

TEST_P(SumOfSetTest, NothingChangesWhenProcessesDieAndAreFolded) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> exponent(-8, 8);
  for (int round = 0; round < 200; ++round) {
    std::vector<double> sums(8);
    for (double& sum : sums) sum = std::pow(10, exponent(random));
    std::string shown;
    std::string retained;
    // First all live; then in each step one more is dead, and those before it are folded.
    for (size_t gone = 0; gone <= sums.size(); ++gone) {
      SetMerge merge = NewMerge();
      for (size_t i = sums.size(); i > gone; --i) {
        Add({PartOwner::State::kLive, static_cast<uint32_t>(i)}, FamilyOf(sums[i - 1]), &merge);
      }
      if (gone > 0) Add({PartOwner::State::kDead, 0}, FamilyOf(sums[gone - 1]), &merge);
      AddRetained(retained, &merge);
      const std::string now = testing::SeriesOf(merge).at("x");
      if (gone == 0) shown = now;
      ASSERT_EQ(now, shown) << "round " << round << ", " << gone << " gone";
      if (gone == 0) continue;
      SetMerge totals = NewMerge();
      Add({PartOwner::State::kDead, 0}, FamilyOf(sums[gone - 1]), &totals);
      AddRetained(retained, &totals);
      retained = FoldFamilies(totals, {1000, 0, nullptr}, [](auto...) {});
    }
  }
}

}  // namespace
}  // namespace promplug
