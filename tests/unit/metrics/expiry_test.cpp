// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;

constexpr Duration kExpiry = seconds(400);
constexpr Duration kQuarter = seconds(100);

class ExpiryTest : public ::testing::Test {
 protected:
  void SetUp() override { registry_.SetSeriesExpiry(kExpiry); }

  Family* Make(MetricType type, std::string_view name) {
    FamilyDescription description;
    description.type = type;
    description.name = name;
    description.label_names = {"id"};
    if (type == MetricType::kStateset) description.states = {"a", "b"};
    return registry_.FindOrMake(description).value();
  }
  static Series* Get(Family* family, std::string_view id) {
    Series* series = nullptr;
    EXPECT_TRUE(family->FindOrMake(&id, 1, &series).ok());
    return series;
  }
  // Turns of the maintenance thread, so many sweeps apart.
  void Sweeps(int n) {
    for (int i = 0; i < n; ++i) {
      registry_.Maintain();
      clock_.Advance(kQuarter);
    }
  }
  static std::vector<Point> Read(Family* family, std::unique_ptr<PointSource>* keep) {
    *keep = family->Read();
    std::vector<Point> points(1000);
    points.resize((*keep)->Next(points.data(), points.size()));
    return points;
  }

  test::ManualClock clock_;
  Registry registry_{clock_};
  Family* counter_ = Make(MetricType::kCounter, "c_total");
  std::unique_ptr<PointSource> keep_;
};

TEST_F(ExpiryTest, ASeriesGoesAfterItsTimeAndNotBefore) {
  Get(counter_, "a")->CounterInc();
  clock_.Advance(seconds(1));
  // Swept for the first time after a second, hence for the fifth after 401.
  Sweeps(4);
  EXPECT_EQ(registry_.LiveSeries(), 1u);
  Sweeps(1);
  EXPECT_EQ(registry_.LiveSeries(), 0u);
  EXPECT_EQ(registry_.ExpiredSeries(), 1u);
  EXPECT_TRUE(Read(counter_, &keep_).empty());
}

TEST_F(ExpiryTest, AnUpdateBetweenTwoSweepsIsAUse) {
  Series* used = Get(counter_, "used");
  Series* idle = Get(counter_, "idle");
  for (int i = 0; i < 12; ++i) {
    if (i % 3 == 0) used->CounterInc();
    Sweeps(1);
  }
  EXPECT_EQ(registry_.LiveSeries(), 1u);
  const std::vector<Point> points = Read(counter_, &keep_);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].labels, "{id=\"used\"}");
  EXPECT_EQ(points[0].integer, 4u);
  counter_->Unpin(idle);
}

TEST_F(ExpiryTest, TimeBetweenSweepsDoesNotMakeThemComeFaster) {
  Get(counter_, "a");
  for (int i = 0; i < 1000; ++i) registry_.Maintain();
  clock_.Advance(kQuarter - seconds(1));
  for (int i = 0; i < 1000; ++i) registry_.Maintain();
  EXPECT_EQ(registry_.LiveSeries(), 1u);
}

TEST_F(ExpiryTest, WithoutAnExpiryNothingGoes) {
  registry_.SetSeriesExpiry(Duration::zero());
  Get(counter_, "a");
  Sweeps(50);
  EXPECT_EQ(registry_.LiveSeries(), 1u);
}

TEST_F(ExpiryTest, AHandleThatIsUsedAgainGetsItsSeriesBackFromZeroWithANewCreatedTime) {
  Series* series = Get(counter_, "a");
  series->CounterAdd(41);
  const int64_t born = series->created_ms();
  Sweeps(5);
  ASSERT_EQ(registry_.LiveSeries(), 0u);
  series->CounterInc();
  const std::vector<Point> points = Read(counter_, &keep_);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].integer, 1u);
  EXPECT_EQ(points[0].created_ms, born + 500'000);
  // Its next life is as long as any.
  Sweeps(4);
  EXPECT_EQ(registry_.LiveSeries(), 1u);
  Sweeps(1);
  EXPECT_EQ(registry_.LiveSeries(), 0u);
}

TEST_F(ExpiryTest, WhatIsNotPinnedGivesItsMemoryBack) {
  Series* series = Get(counter_, "a");
  counter_->Unpin(series);
  Sweeps(5);
  for (int i = 0; i < 3; ++i) registry_.Maintain();
  EXPECT_EQ(Get(counter_, "b"), series);
}

TEST_F(ExpiryTest, TheSameValueAgainAndAnAdditionOfZeroAreUses) {
  Family* gauge = Make(MetricType::kGauge, "g");
  Family* state = Make(MetricType::kStateset, "s");
  Family* histogram = Make(MetricType::kHistogram, "h");
  Family* summary = Make(MetricType::kSummary, "q");
  Series* added = Get(counter_, "a");
  Series* set = Get(gauge, "a");
  Series* stated = Get(state, "a");
  Series* observed = Get(histogram, "a");
  Series* summed = Get(summary, "a");
  for (int i = 0; i < 10; ++i) {
    added->CounterAdd(0);
    set->GaugeSet(7);
    stated->StateSet(1, true);
    observed->Observe(1);
    summed->Observe(1);
    Sweeps(1);
  }
  EXPECT_EQ(registry_.LiveSeries(), 5u);
  Sweeps(5);
  EXPECT_EQ(registry_.LiveSeries(), 0u);
}

TEST_F(ExpiryTest, ALookUpIsNoUseAndUpdateIsOne) {
  const std::string_view looked_up = "looked_up";
  const std::string_view updated = "updated";
  for (int i = 0; i < 5; ++i) {
    counter_->Unpin(Get(counter_, looked_up));
    ASSERT_TRUE(counter_->Update(&updated, 1, UpdateOp::kAdd, 1).ok());
    Sweeps(1);
  }
  EXPECT_EQ(registry_.LiveSeries(), 1u);
  ASSERT_TRUE(counter_->Update(&looked_up, 1, UpdateOp::kAdd, 1).ok());
  EXPECT_EQ(registry_.LiveSeries(), 2u);
}

TEST_F(ExpiryTest, InfoStays) {
  counter_->Unpin(Get(counter_, "a"));
  Family* info = Make(MetricType::kInfo, "version_info");
  info->Unpin(Get(info, "a"));
  Sweeps(10);
  EXPECT_EQ(Read(info, &keep_).size(), 1u);
  EXPECT_EQ(registry_.LiveSeries(), 1u);
}

TEST_F(ExpiryTest, WhatCellsOfTheHostCountIsAUseAndBringsASeriesBack) {
  Series* series = Get(counter_, "a");
  uint64_t* cell = counter_->AddHostCell(series);
  const auto count = [cell] { reinterpret_cast<std::atomic<uint64_t>*>(cell)->fetch_add(1); };
  for (int i = 0; i < 10; ++i) {
    count();
    Sweeps(1);
  }
  EXPECT_EQ(registry_.LiveSeries(), 1u);
  Sweeps(4);
  EXPECT_EQ(registry_.LiveSeries(), 0u);
  EXPECT_TRUE(Read(counter_, &keep_).empty());
  count();
  const std::vector<Point> points = Read(counter_, &keep_);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].integer, 1u);
  ASSERT_TRUE(counter_->ReleaseHostCell(series, cell).ok());
}

TEST_F(ExpiryTest, WithAnotherExpiryIdlenessIsCountedAnew) {
  Get(counter_, "a");
  Sweeps(4);
  registry_.SetSeriesExpiry(kExpiry * 2);
  // Sweeps are as long apart as two of before.
  Sweeps(8);
  EXPECT_EQ(registry_.LiveSeries(), 1u);
  Sweeps(1);
  EXPECT_EQ(registry_.LiveSeries(), 0u);
}

TEST_F(ExpiryTest, ASpreadSeriesExpiresWithItsStripes) {
  Series* series = Get(counter_, "a");
  counter_->Promote(series);
  series->CounterAdd(5);
  Sweeps(1);
  series->CounterAdd(5);
  Sweeps(4);
  EXPECT_EQ(Read(counter_, &keep_).at(0).integer, 10u);
  Sweeps(1);
  EXPECT_TRUE(Read(counter_, &keep_).empty());
  series->CounterAdd(5);
  EXPECT_EQ(Read(counter_, &keep_).at(0).integer, 5u);
}

TEST_F(ExpiryTest, ASweepOfVeryManySeriesGoesOnInTheNextRun) {
  const size_t many = IdleSweep::kSeriesPerRun * 2 + 100;
  for (size_t i = 0; i < many; ++i) counter_->Unpin(Get(counter_, std::to_string(i)));
  const auto sweep = [this] {
    for (int run = 0; run < 3; ++run) registry_.Maintain();
    clock_.Advance(kQuarter);
  };
  for (int i = 0; i < 4; ++i) sweep();
  EXPECT_EQ(registry_.LiveSeries(), many);
  registry_.Maintain();
  EXPECT_EQ(registry_.LiveSeries(), many - IdleSweep::kSeriesPerRun);
  registry_.Maintain();
  registry_.Maintain();
  EXPECT_EQ(registry_.LiveSeries(), 0u);
}

TEST_F(ExpiryTest, ExemplarsGoWithTheirSeries) {
  Series* series = Get(counter_, "a");
  const Exemplar exemplar{"{t=\"1\"}", 0, 1};
  ASSERT_TRUE(counter_->Apply(series, UpdateOp::kAdd, 1, exemplar).ok());
  Sweeps(5);
  series->CounterInc();
  EXPECT_EQ(Read(counter_, &keep_).at(0).n_exemplars, 0u);
}

}  // namespace
}  // namespace promplug
