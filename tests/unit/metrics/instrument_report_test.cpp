// SPDX-License-Identifier: MIT
#include "metrics/instrument_report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

class InstrumentReportTest : public ::testing::Test {
 protected:
  Family* Make(std::string_view name, uint32_t max_series = 0) {
    FamilyDescription description;
    description.name = name;
    description.label_names = {"id"};
    description.max_series = max_series;
    return registry_.FindOrMake(description).value();
  }
  static void Add(Family* family, std::string_view id) {
    (void)family->Update(&id, 1, UpdateOp::kAdd, 1);
  }
  // What the self metrics say of one of their families, by labels.
  std::map<std::string, double> Self(std::string_view name) {
    std::map<std::string, double> values;
    for (Family* family : self_.registry().Families()) {
      if (family->shape().name != name) continue;
      const std::unique_ptr<PointSource> source = family->Read();
      Point point;
      while (source->Next(&point, 1) == 1) {
        values[std::string(point.labels)] =
            point.is_integer ? static_cast<double>(point.integer) : point.value;
      }
    }
    return values;
  }

  test::ManualClock clock_;
  std::vector<std::string> lines_;
  Log log_{[this](LogLevel, std::string_view text) { lines_.emplace_back(text); }};
  Registry registry_{clock_};
  SelfMetrics self_{clock_, "1"};
  InstrumentReport report_{registry_, &self_, log_};
};

TEST_F(InstrumentReportTest, FamiliesThatRefusedAreCountedAndSaidOnce) {
  Family* small = Make("small_total", 2);
  Make("quiet_total");
  for (const char* id : {"a", "b", "c", "d"}) Add(small, id);
  report_.Update();
  Add(small, "c");
  report_.Update();
  report_.Update();
  EXPECT_THAT(Self("promplug_family_series_refused_total"),
              ElementsAre(Pair("{family=\"small_total\",reason=\"limit\"}", 3)));
  EXPECT_THAT(Self("promplug_series_refused_total"), ElementsAre(Pair("{reason=\"limit\"}", 3)));
  EXPECT_THAT(lines_,
              ElementsAre(HasSubstr("family \"small_total\" has reached its limit of 2 series")));
}

TEST_F(InstrumentReportTest, LabelsThatAreNotGoodAreSaidOnceWithTheFirstText) {
  Family* family = Make("c_total");
  Series* series = nullptr;
  const std::string_view values[] = {"a", "b"};
  EXPECT_FALSE(family->FindOrMake(values, 2, &series).ok());
  EXPECT_FALSE(family->FindOrMake(values, 0, &series).ok());
  Add(family, "\xff");
  report_.Update();
  Add(family, "\xff");
  report_.Update();
  EXPECT_THAT(Self("promplug_family_series_refused_total"),
              ElementsAre(Pair("{family=\"c_total\",reason=\"labels\"}", 4)));
  EXPECT_THAT(
      lines_,
      ElementsAre(HasSubstr("family \"c_total\": 2 label values for 1 label names: such updates")));
}

TEST_F(InstrumentReportTest, NothingIsSaidWhereNothingHappened) {
  Add(Make("c_total"), "a");
  report_.Update();
  EXPECT_THAT(lines_, IsEmpty());
  EXPECT_THAT(Self("promplug_family_series_refused_total"), IsEmpty());
  EXPECT_THAT(Self("promplug_series_expired_total"), IsEmpty());
}

TEST_F(InstrumentReportTest, TheLargestFamiliesAreReportedAndLeaveWhenTheyShrink) {
  std::vector<Family*> families;
  for (int f = 0; f < 13; ++f) {
    families.push_back(Make("f" + std::to_string(10 + f) + "_total"));
    for (int i = 0; i < f; ++i) Add(families.back(), std::to_string(i));
  }
  report_.Update();
  std::map<std::string, double> largest = Self("promplug_family_series");
  EXPECT_EQ(largest.size(), InstrumentReport::kLargestFamilies);
  EXPECT_EQ(largest["{family=\"f22_total\"}"], 12);
  EXPECT_EQ(largest["{family=\"f13_total\"}"], 3);
  EXPECT_EQ(largest.count("{family=\"f12_total\"}"), 0u);

  families[12]->RemoveMatching(nullptr, 0);
  report_.Update();
  largest = Self("promplug_family_series");
  EXPECT_EQ(largest.size(), InstrumentReport::kLargestFamilies);
  EXPECT_EQ(largest.count("{family=\"f22_total\"}"), 0u);
  EXPECT_EQ(largest["{family=\"f12_total\"}"], 2);
}

TEST_F(InstrumentReportTest, WhatExpiredWasIgnoredAndDroppedIsCounted) {
  registry_.SetSeriesExpiry(std::chrono::seconds(4));
  Family* family = Make("c_total");
  Series* series = nullptr;
  const std::string_view id = "a";
  ASSERT_TRUE(family->FindOrMake(&id, 1, &series).ok());
  series->CounterAdd(-1);
  series->CounterAdd(std::numeric_limits<double>::quiet_NaN());
  ASSERT_TRUE(family->Apply(series, UpdateOp::kAdd, 1, Exemplar()).ok());
  for (int i = 0; i < 5; ++i) {
    registry_.Maintain();
    clock_.Advance(std::chrono::seconds(1));
  }
  report_.Update();
  report_.Update();
  EXPECT_THAT(Self("promplug_series_expired_total"), ElementsAre(Pair("", 1)));
  EXPECT_THAT(Self("promplug_updates_ignored_total"), ElementsAre(Pair("", 2)));
  EXPECT_THAT(Self("promplug_exemplars_dropped_total"), ElementsAre(Pair("", 1)));
}

TEST_F(InstrumentReportTest, AForkChildCountsItsOwn) {
  Family* small = Make("small_total", 1);
  for (const char* id : {"a", "b", "c"}) Add(small, id);
  report_.Update();
  registry_.ResetValues();
  self_.ResetAfterFork();
  report_.ResetAfterFork();
  Add(small, "d");
  report_.Update();
  EXPECT_EQ(
      Self("promplug_family_series_refused_total")["{family=\"small_total\",reason=\"limit\"}"], 1);
  EXPECT_EQ(Self("promplug_family_series")["{family=\"small_total\"}"], 1);
}

}  // namespace
}  // namespace promplug
