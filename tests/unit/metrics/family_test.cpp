// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "metrics/family_look_up.hpp"
#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class FamilyTest : public ::testing::Test {
 protected:
  Family* Make(MetricType type, std::string_view name, std::vector<std::string_view> labels = {}) {
    FamilyDescription description;
    description.type = type;
    description.name = name;
    description.label_names = std::move(labels);
    return Make(description);
  }
  Family* Make(const FamilyDescription& description) {
    Result<Family*> family = registry_.FindOrMake(description);
    EXPECT_TRUE(family.ok()) << family.status().text();
    return family.ok() ? family.value() : nullptr;
  }

  static Series* Get(Family* family, std::vector<std::string_view> values = {}) {
    Series* series = nullptr;
    const Status status = family->FindOrMake(values.data(), values.size(), &series);
    EXPECT_TRUE(status.ok()) << status.text();
    return series;
  }

  static bool UpdatePresent(Family* family, const std::vector<std::string_view>& values,
                            UpdateOp op, double value) {
    const auto value_at = [&](size_t i) { return values[i]; };
    return family->UpdatePresent(values.size(), value_at, op, value);
  }

  static std::vector<Point> ReadAll(Family* family, std::unique_ptr<PointSource>* keep) {
    *keep = family->Read();
    std::vector<Point> points(1000);
    points.resize((*keep)->Next(points.data(), points.size()));
    return points;
  }

  // The series of a family by their labels.
  static std::map<std::string, double> Values(Family* family) {
    std::map<std::string, double> values;
    const std::unique_ptr<PointSource> source = family->Read();
    Point points[7];
    while (const size_t n = source->Next(points, 7)) {
      for (size_t i = 0; i < n; ++i) {
        const Point& point = points[i];
        values[std::string(point.labels)] =
            point.is_integer ? static_cast<double>(point.integer) : point.value;
      }
    }
    return values;
  }

  // Enough turns for any grace period to end while nobody reads.
  void Settle() {
    for (int i = 0; i < 3; ++i) registry_.Maintain();
  }

  test::ManualClock clock_;
  Registry registry_{clock_};
};

TEST_F(FamilyTest, CounterKeepsWholeNumbersAsIntegersAndAddsFractions) {
  Family* family = Make(MetricType::kCounter, "c_total");
  Series* series = Get(family);
  series->CounterInc();
  series->CounterAdd(41);
  std::unique_ptr<PointSource> keep;
  std::vector<Point> points = ReadAll(family, &keep);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_TRUE(points[0].is_integer);
  EXPECT_EQ(points[0].integer, 42u);
  series->CounterAdd(0.5);
  points = ReadAll(family, &keep);
  EXPECT_FALSE(points[0].is_integer);
  EXPECT_EQ(points[0].value, 42.5);
}

TEST_F(FamilyTest, CounterTakesNumbersBeyondWhatAnIntegerCellHolds) {
  Series* series = Get(Make(MetricType::kCounter, "c_total"));
  series->CounterAdd(1e300);
  series->CounterAdd(std::numeric_limits<double>::infinity());
  EXPECT_THAT(Values(series->family()), ElementsAre(Pair("", HUGE_VAL)));
}

TEST_F(FamilyTest, IgnoresAndCountsUpdatesThatDoNotFit) {
  Series* counter = Get(Make(MetricType::kCounter, "c_total"));
  Series* gauge = Get(Make(MetricType::kGauge, "g"));
  counter->CounterAdd(-1);
  counter->CounterAdd(std::nan(""));
  counter->GaugeSet(3);
  counter->Observe(1);
  counter->StateSet(0, true);
  gauge->CounterInc();
  gauge->Observe(std::nan(""));
  EXPECT_EQ(registry_.IgnoredUpdates(), 7u);
  EXPECT_THAT(Values(counter->family()), ElementsAre(Pair("", 0)));
}

TEST_F(FamilyTest, GaugeIsSetAddedToAndMayBeNaN) {
  Series* series = Get(Make(MetricType::kGauge, "g"));
  series->GaugeSet(-2.5);
  series->GaugeAdd(1);
  EXPECT_THAT(Values(series->family()), ElementsAre(Pair("", -1.5)));
  series->GaugeSet(std::nan(""));
  EXPECT_TRUE(std::isnan(Values(series->family())[""]));
}

TEST_F(FamilyTest, HistogramCountsEachValueInTheFirstBucketThatHoldsIt) {
  for (const size_t n_bounds : {1u, 2u, 3u, 4u, 5u, 12u, 48u, 49u, 300u}) {
    SCOPED_TRACE(n_bounds);
    FamilyDescription description;
    description.type = MetricType::kHistogram;
    const std::string name = "h" + std::to_string(n_bounds);
    description.name = name;
    for (size_t i = 0; i < n_bounds; ++i) description.buckets.push_back(static_cast<double>(i));
    Family* family = Make(description);
    Series* series = Get(family);
    for (size_t i = 0; i < n_bounds; ++i) series->Observe(static_cast<double>(i));
    series->Observe(-1e300);
    series->Observe(std::numeric_limits<double>::infinity());
    series->Observe(0.5);
    series->Observe(-std::numeric_limits<double>::infinity());
    std::unique_ptr<PointSource> keep;
    const std::vector<Point> points = ReadAll(family, &keep);
    ASSERT_EQ(points.size(), 1u);
    ASSERT_EQ(points[0].n_bounds, n_bounds);
    for (size_t i = 0; i <= n_bounds; ++i) {
      uint64_t expected = i < n_bounds ? 1 : 0;
      if (i == 0) expected += 2;
      if (i == std::min<size_t>(1, n_bounds)) expected += 1;
      if (i == n_bounds) expected += 1;
      EXPECT_EQ(points[0].counts[i], expected) << "bucket " << i;
    }
  }
}

TEST_F(FamilyTest, LabelsAreRenderedWithEscapesAndConstantLabelsFirst) {
  FamilyDescription description;
  description.name = "c_total";
  description.label_names = {"path", "q"};
  description.const_labels = {{"zone", "a\"b"}};
  Family* family = Make(description);
  Get(family, {"a\\b\n", ""})->CounterInc();
  Get(family, {"plain", "x"})->CounterAdd(2);
  EXPECT_THAT(Values(family), ElementsAre(Pair("{zone=\"a\\\"b\",path=\"a\\\\b\\n\",q=\"\"}", 1),
                                          Pair("{zone=\"a\\\"b\",path=\"plain\",q=\"x\"}", 2)));
}

TEST_F(FamilyTest, TheSameValuesAreTheSameSeriesAndLookAlikesAreNot) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a", "b"});
  const std::vector<std::vector<std::string_view>> sets = {
      {"x", "y"},
      {"y", "x"},
      {"xy", ""},
      {"", "xy"},
      {"", ""},
      {"x\"", "y"},
      {"x\\", "y"},
      {"x\\\"", "y"},
      {"x\n", "y"},
      {"x\\n", "y"},
      {"x\",b=\"y", ""},
      {"x", "\",b=\"y"},
      {"longer than eight", "and than sixteen bytes"}};
  std::vector<Series*> series;
  for (const auto& values : sets) series.push_back(Get(family, values));
  for (size_t i = 0; i < sets.size(); ++i) {
    EXPECT_EQ(Get(family, sets[i]), series[i]) << i;
    for (size_t j = 0; j < i; ++j) EXPECT_NE(series[i], series[j]) << i << " " << j;
  }
  EXPECT_EQ(registry_.LiveSeries(), sets.size());
  for (size_t i = 0; i < sets.size(); ++i) {
    ASSERT_TRUE(UpdatePresent(family, sets[i], UpdateOp::kAdd, 1.0 + static_cast<double>(i))) << i;
  }
  const std::map<std::string, double> counted = Values(family);
  for (size_t i = 0; i < sets.size(); ++i) {
    EXPECT_EQ(counted.at(std::string(series[i]->labels())), 1.0 + static_cast<double>(i)) << i;
  }
}

// Of look-alikes of a series with escapes none is taken for it; of series that are not there none
// is made.
TEST_F(FamilyTest, AnUpdateOfWhatIsPresentTakesNothingElse) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a"});
  Get(family, {"x\"\n\\"});
  for (const std::string_view other :
       {"", "x", "x\"", "x\"\n", "x\"\n\\\\", "x\\\"\\n\\\\", "x\"n\\"}) {
    EXPECT_FALSE(UpdatePresent(family, {other}, UpdateOp::kAdd, 1)) << other;
  }
  const std::string_view there = "x\"\n\\";
  EXPECT_FALSE(UpdatePresent(family, {}, UpdateOp::kAdd, 1));
  EXPECT_FALSE(UpdatePresent(family, {there, there}, UpdateOp::kAdd, 1));
  EXPECT_FALSE(UpdatePresent(family, {there}, UpdateOp::kSet, 1));
  EXPECT_FALSE(UpdatePresent(family, {there}, UpdateOp::kObserve, 1));
  EXPECT_TRUE(UpdatePresent(family, {there}, UpdateOp::kAdd, 2));
  EXPECT_THAT(Values(family), ElementsAre(Pair("{a=\"x\\\"\\n\\\\\"}", 2)));
  EXPECT_EQ(registry_.IgnoredUpdates(), 0u);
}

TEST_F(FamilyTest, AnUpdateBringsARemovedSeriesBack) {
  Family* family = Make(MetricType::kGauge, "g", {"a"});
  const std::string_view value = "x";
  Series* series = nullptr;
  ASSERT_TRUE(family->FindOrMake(&value, 1, &series).ok());  // pinned, so that it stays
  family->Remove(series);
  EXPECT_TRUE(Values(family).empty());
  EXPECT_TRUE(UpdatePresent(family, {value}, UpdateOp::kSet, 3));
  EXPECT_THAT(Values(family), ElementsAre(Pair("{a=\"x\"}", 3)));
  family->Unpin(series);
}

TEST_F(FamilyTest, RefusesWrongNumbersOfValuesAndTextThatIsNotUtf8) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a"});
  const std::string_view bad = "\xff";
  Series* series = nullptr;
  Status status = family->FindOrMake(&bad, 1, &series);
  EXPECT_EQ(status.code(), Code::kInvalid);
  EXPECT_THAT(status.text(), HasSubstr("\"\\xff\""));
  ASSERT_NE(series, nullptr);
  series->CounterInc();
  family->Unpin(series);
  EXPECT_EQ(family->FindOrMake(&bad, 0, &series).code(), Code::kInvalid);
  const std::string huge(70000, 'x');
  const std::string_view huge_view = huge;
  EXPECT_EQ(family->FindOrMake(&huge_view, 1, &series).code(), Code::kInvalid);
  EXPECT_TRUE(Values(family).empty());
  EXPECT_EQ(registry_.RefusedSeries(), 3u);
  FamilyDescription description;
  description.name = "d_total";
  description.const_labels = {{"zone", huge}};
  EXPECT_EQ(Make(description)->FindOrMake(nullptr, 0, &series).code(), Code::kInvalid);
}

TEST_F(FamilyTest, SeriesOverTheLimitCountForNothingUntilOthersAreRemoved) {
  FamilyDescription description;
  description.name = "c_total";
  description.label_names = {"a"};
  description.max_series = 2;
  Family* family = Make(description);
  Series* first = Get(family, {"1"});
  Get(family, {"2"});
  const std::string_view third = "3";
  Series* sink = nullptr;
  EXPECT_EQ(family->FindOrMake(&third, 1, &sink).code(), Code::kLimit);
  sink->CounterInc();
  EXPECT_EQ(family->Update(&third, 1, UpdateOp::kAdd, 1).code(), Code::kLimit);
  EXPECT_EQ(Values(family).size(), 2u);
  family->Remove(first);
  EXPECT_TRUE(family->Update(&third, 1, UpdateOp::kAdd, 5).ok());
  EXPECT_THAT(Values(family), ElementsAre(Pair("{a=\"2\"}", 0), Pair("{a=\"3\"}", 5)));
  EXPECT_EQ(family->Refused(Family::Refusal::kLimit), 2u);
}

TEST_F(FamilyTest, AHandleOutlivesItsRemovalAndStartsFromZero) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a"});
  Series* series = Get(family, {"1"});
  series->CounterAdd(7);
  clock_.Advance(std::chrono::seconds(5));
  family->Remove(series);
  Settle();
  EXPECT_TRUE(Values(family).empty());
  EXPECT_EQ(registry_.LiveSeries(), 0u);
  series->CounterInc();
  std::unique_ptr<PointSource> keep;
  const std::vector<Point> points = ReadAll(family, &keep);
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].integer, 1u);
  EXPECT_EQ(points[0].created_ms, clock_.UnixMillis());
  EXPECT_EQ(Get(family, {"1"}), series);
  EXPECT_EQ(registry_.LiveSeries(), 1u);
}

TEST_F(FamilyTest, MemoryOfRemovedSeriesIsUsedAgain) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a"});
  Series* kept = Get(family, {"0"});
  family->Unpin(Get(family, {"1"}));
  Series* gone = Get(family, {"2"});
  family->Unpin(gone);
  const Label label{"a", "2"};
  EXPECT_EQ(family->RemoveMatching(&label, 1), 1u);
  Settle();
  EXPECT_EQ(Get(family, {"3"}), gone);
  EXPECT_EQ(Get(family, {"0"}), kept);
  EXPECT_THAT(Values(family),
              ElementsAre(Pair("{a=\"0\"}", 0), Pair("{a=\"1\"}", 0), Pair("{a=\"3\"}", 0)));
}

TEST_F(FamilyTest, MemoryIsNotUsedAgainWhileAReaderMaySeeIt) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a"});
  Series* gone = Get(family, {"2"});
  family->Unpin(gone);
  std::unique_ptr<PointSource> keep;
  const std::vector<Point> points = ReadAll(family, &keep);
  EXPECT_EQ(family->RemoveMatching(nullptr, 0), 1u);
  Settle();
  EXPECT_NE(Get(family, {"3"}), gone);
  EXPECT_EQ(points[0].labels, "{a=\"2\"}");
  keep.reset();
  Settle();
  EXPECT_EQ(Get(family, {"4"}), gone);
}

TEST_F(FamilyTest, RemovesBySomeOfTheLabels) {
  Family* family = Make(MetricType::kCounter, "c_total", {"a", "b"});
  for (const char* a : {"1", "2"}) {
    for (const char* b : {"x\n", "y"}) Get(family, {a, b});
  }
  const Label wanted{"b", "x\n"};
  EXPECT_EQ(family->RemoveMatching(&wanted, 1), 2u);
  EXPECT_THAT(Values(family),
              ElementsAre(Pair("{a=\"1\",b=\"y\"}", 0), Pair("{a=\"2\",b=\"y\"}", 0)));
}

TEST_F(FamilyTest, HostCellsCountForTheirSeriesAcrossReleaseAndRemoval) {
  Family* family = Make(MetricType::kCounter, "c_total");
  Series* series = Get(family);
  uint64_t* one = family->AddHostCell(series);
  uint64_t* two = family->AddHostCell(series);
  ASSERT_NE(one, nullptr);
  *one = 5;
  *two = 6;
  series->CounterInc();
  EXPECT_THAT(Values(family), ElementsAre(Pair("", 12)));
  EXPECT_TRUE(family->ReleaseHostCell(series, one).ok());
  EXPECT_EQ(family->ReleaseHostCell(series, one).code(), Code::kNotFound);
  EXPECT_THAT(Values(family), ElementsAre(Pair("", 12)));
  family->Remove(series);
  EXPECT_TRUE(Values(family).empty());
  *two += 3;
  EXPECT_THAT(Values(family), ElementsAre(Pair("", 3)));
}

TEST_F(FamilyTest, HotSeriesAreSpreadWithoutLosingCounts) {
  Family* family = Make(MetricType::kCounter, "c_total");
  Series* series = Get(family);
  Family* histogram = Make(MetricType::kHistogram, "h");
  Series* observed = Get(histogram);
  constexpr int kEach = 100000;
  for (int round = 0; round < 4; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          series->CounterInc();
          observed->Observe(0.01);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    registry_.Maintain();
  }
  std::unique_ptr<PointSource> keep;
  EXPECT_EQ(ReadAll(family, &keep)[0].integer, 8u * kEach);
  const std::vector<Point> points = ReadAll(histogram, &keep);
  EXPECT_EQ(points[0].counts[1], 8u * kEach);
  EXPECT_NEAR(points[0].sum, 8 * kEach * 0.01, 1e-3);
  family->Remove(series);
  series->CounterInc();
  EXPECT_THAT(Values(family), ElementsAre(Pair("", 1)));
}

TEST_F(FamilyTest, StatesetHoldsABitForEachState) {
  FamilyDescription description;
  description.type = MetricType::kStateset;
  description.name = "mode";
  description.states = {"idle", "busy", "gone"};
  Family* family = Make(description);
  Series* series = Get(family);
  series->StateSet(0, true);
  series->StateSet(2, true);
  series->StateSet(0, false);
  series->StateSet(3, true);
  EXPECT_EQ(registry_.IgnoredUpdates(), 1u);
  EXPECT_TRUE(family->Update(nullptr, 0, UpdateOp::kSet, 1 * 2 + 1).ok());
  EXPECT_EQ(family->Update(nullptr, 0, UpdateOp::kSet, 6).code(), Code::kInvalid);
  std::unique_ptr<PointSource> keep;
  const std::vector<Point> points = ReadAll(family, &keep);
  EXPECT_EQ(points[0].states, 0b110u);
  EXPECT_EQ(points[0].n_states, 3u);
  EXPECT_EQ(points[0].state_names[1], "busy");
}

TEST_F(FamilyTest, SummaryForgetsItsWindowButNotItsTotals) {
  FamilyDescription description;
  description.type = MetricType::kSummary;
  description.name = "s";
  description.quantiles = {0, 0.5, 0.99, 1};
  description.summary_window_seconds = 60;
  Family* family = Make(description);
  Series* series = Get(family);
  for (int i = 1; i <= 1000; ++i) series->Observe(i);
  std::unique_ptr<PointSource> keep;
  std::vector<Point> points = ReadAll(family, &keep);
  ASSERT_EQ(points[0].n_quantiles, 4u);
  EXPECT_NEAR(points[0].quantile_values[0], 1, 0.01);
  EXPECT_NEAR(points[0].quantile_values[1], 500, 5);
  EXPECT_NEAR(points[0].quantile_values[2], 990, 9.9);
  EXPECT_NEAR(points[0].quantile_values[3], 1000, 10);
  EXPECT_EQ(points[0].integer, 1000u);
  EXPECT_EQ(points[0].sum, 500500);
  clock_.Advance(std::chrono::seconds(61));
  points = ReadAll(family, &keep);
  EXPECT_TRUE(std::isnan(points[0].quantile_values[1]));
  EXPECT_EQ(points[0].integer, 1000u);
}

TEST_F(FamilyTest, QuantilesMayComeInAnyOrderAndTwiceAndAscendInTheExposition) {
  FamilyDescription description;
  description.type = MetricType::kSummary;
  description.name = "s";
  description.quantiles = {0.99, 0.5, 0.5};
  Family* family = Make(description);
  Series* series = Get(family);
  for (int i = 1; i <= 1000; ++i) series->Observe(i);
  std::unique_ptr<PointSource> keep;
  const std::vector<Point> points = ReadAll(family, &keep);
  ASSERT_EQ(points[0].n_quantiles, 2u);
  EXPECT_EQ(points[0].quantiles[0], 0.5);
  EXPECT_NEAR(points[0].quantile_values[0], 500, 5);
  EXPECT_EQ(points[0].quantiles[1], 0.99);
  EXPECT_NEAR(points[0].quantile_values[1], 990, 9.9);
  description.quantiles = {0.5, 0.99};
  EXPECT_EQ(Make(description), family) << "the order is no difference";
}

TEST_F(FamilyTest, UpdatesOfAnyKindFindTheirSeries) {
  Family* counter = Make(MetricType::kCounter, "c_total", {"a"});
  const std::string_view value = "1";
  EXPECT_TRUE(counter->Update(&value, 1, UpdateOp::kAdd, 2).ok());
  EXPECT_TRUE(counter->Update(&value, 1, UpdateOp::kAdd, 3).ok());
  EXPECT_THAT(Values(counter), ElementsAre(Pair("{a=\"1\"}", 5)));
  EXPECT_EQ(counter->Update(&value, 1, UpdateOp::kSet, 3).code(), Code::kInvalid);
  EXPECT_EQ(counter->Update(&value, 0, UpdateOp::kAdd, 3).code(), Code::kInvalid);
}

}  // namespace
}  // namespace promplug
