// SPDX-License-Identifier: MIT
// What becomes of the values of one series, by type and mode.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "metrics/sketch.hpp"
#include "metrics/sketch_scale.hpp"
#include "multiprocess/set_merge.hpp"
#include "support/manual_clock.hpp"
#include "support/part_text.hpp"
#include "support/part_values.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::PartFamily;
using testing::PartNative;
using testing::PartValue;
using testing::PartValues;
using testing::SeriesOf;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr auto kLive = PartOwner::State::kLive;
constexpr auto kDead = PartOwner::State::kDead;

class MergedValuesTest : public ::testing::Test {
 protected:
  // What the values, one of each live worker, become.
  std::string Merged(MetricType type, ProcessMode mode, const std::vector<PartValue>& values,
                     PartKind kind = PartKind::kInstruments) {
    return MergedOf({"x", type, values, mode, kind});
  }
  // The same, with each of the points being that of another worker.
  std::string MergedOf(const PartFamily& family) {
    refused_.clear();
    SetMerge merge = NewMerge();
    uint32_t worker = 0;
    for (const PartValue& value : family.points) Add(&merge, {kLive, worker++}, family, value);
    return TextOf(merge);
  }
  SetMerge NewMerge() {
    return SetMerge([this](std::string_view reason, std::string_view, std::string text) {
      refused_.push_back(std::string(reason) + ": " + text);
    });
  }
  static void Add(SetMerge* merge, const PartOwner& owner, const PartFamily& family,
                  const PartValue& value) {
    const std::vector<PartValue> one = {value};
    PartValues points(one);
    merge->Add(family.Head(), owner, &points);
  }
  // Of the only series.
  static std::string TextOf(const SetMerge& merge) {
    const auto series = SeriesOf(merge);
    EXPECT_EQ(series.size(), 1u);
    return series.empty() ? "" : series.begin()->second;
  }

  std::vector<std::string> refused_;
};

PartValue I(uint64_t value) { return PartValue::Integer("", value); }
PartValue D(double value) { return PartValue::Double("", value); }

TEST_F(MergedValuesTest, IntegersStayIntegersWhileAllAre) {
  const auto sum = [&](const std::vector<PartValue>& values) {
    return Merged(MetricType::kCounter, ProcessMode::kDefault, values);
  };
  EXPECT_EQ(sum({I(1), I(uint64_t{1} << 60), I(2)}), "1152921504606846979i");
  EXPECT_EQ(sum({I(1), D(0.5), I(2)}), "3.5");
  EXPECT_EQ(sum({D(0.5), I(2)}), "2.5");
  EXPECT_EQ(sum({I(~uint64_t{0}), I(1)}), testing::NumberText(0x1p64));
  EXPECT_EQ(sum({I(~uint64_t{0}), I(~uint64_t{0}), I(~uint64_t{0})}),
            testing::NumberText(3 * 0x1p64));
}

TEST_F(MergedValuesTest, OneProcessIsShownAsItIs) {
  EXPECT_EQ(Merged(MetricType::kGauge, ProcessMode::kSum, {D(-0.0)}), "-0");
  EXPECT_EQ(Merged(MetricType::kGauge, ProcessMode::kMax, {D(-0.0)}), "-0");
  EXPECT_EQ(Merged(MetricType::kGauge, ProcessMode::kSum, {D(kNaN)}), "NaN");
}

TEST_F(MergedValuesTest, GaugesFollowTheirMode) {
  const std::vector<PartValue> values = {D(1.5).Stamped(10), I(3).Stamped(30), D(-2).Stamped(20)};
  for (const MetricType type : {MetricType::kGauge, MetricType::kUntyped}) {
    EXPECT_EQ(Merged(type, ProcessMode::kSum, values), "2.5");
    EXPECT_EQ(Merged(type, ProcessMode::kMax, values), "3i");
    EXPECT_EQ(Merged(type, ProcessMode::kMin, values), "-2");
    EXPECT_EQ(Merged(type, ProcessMode::kLatest, values), "3i");
  }
}

TEST_F(MergedValuesTest, OfEqualStampsTheFirstCounts) {
  const auto latest = [&](const std::vector<PartValue>& values) {
    return Merged(MetricType::kGauge, ProcessMode::kLatest, values);
  };
  EXPECT_EQ(latest({I(1).Stamped(5), I(2).Stamped(5)}), "1i");
  EXPECT_EQ(latest({I(1), I(2), I(3).Stamped(1), I(4)}), "3i");
  EXPECT_EQ(latest({I(1), I(2)}), "1i");
}

TEST_F(MergedValuesTest, WhatIsNotANumberLosesAgainstNumbers) {
  for (const ProcessMode mode : {ProcessMode::kMax, ProcessMode::kMin}) {
    EXPECT_EQ(Merged(MetricType::kGauge, mode, {D(kNaN), D(2), D(kNaN)}), "2");
    EXPECT_EQ(Merged(MetricType::kGauge, mode, {D(kNaN), D(kNaN)}), "NaN");
  }
}

TEST_F(MergedValuesTest, LargeIntegersAreComparedAsIntegers) {
  const uint64_t large = (uint64_t{1} << 60) + 1;
  EXPECT_EQ(Merged(MetricType::kGauge, ProcessMode::kMax, {I(large - 1), I(large)}),
            std::to_string(large) + "i");
  EXPECT_EQ(Merged(MetricType::kGauge, ProcessMode::kMin, {I(large), I(large - 1)}),
            std::to_string(large - 1) + "i");
}

TEST_F(MergedValuesTest, InfosAreThereOnce) {
  for (const ProcessMode mode : {ProcessMode::kDefault, ProcessMode::kSum, ProcessMode::kMax}) {
    EXPECT_EQ(Merged(MetricType::kInfo, mode, {I(1), I(1), I(1)}), "1i");
  }
}

TEST_F(MergedValuesTest, StatesAreJoinedOrMet) {
  const auto states = [](uint64_t on, int64_t stamp) {
    return PartValue::Stateset("", {"a", "b", "c"}, on).Stamped(stamp);
  };
  const auto merged = [&](ProcessMode mode) {
    return Merged(MetricType::kStateset, mode, {states(3, 1), states(6, 2), states(2, 1)});
  };
  EXPECT_EQ(merged(ProcessMode::kMax), "states=7 of a b c");
  EXPECT_EQ(merged(ProcessMode::kMin), "states=2 of a b c");
  EXPECT_EQ(merged(ProcessMode::kLatest), "states=6 of a b c");
}

TEST_F(MergedValuesTest, StatesInSingleSamplesLikewise) {
  const auto merged = [&](ProcessMode mode) {
    return Merged(MetricType::kStateset, mode, {I(0), I(1), I(0)}, PartKind::kCollectors);
  };
  EXPECT_EQ(merged(ProcessMode::kMax), "1i");
  EXPECT_EQ(merged(ProcessMode::kMin), "0i");
}

TEST_F(MergedValuesTest, StatesDoNotAddUp) {
  const PartFamily family{"x", MetricType::kStateset, {}, ProcessMode::kSum};
  SetMerge merge = NewMerge();
  Add(&merge, {kLive, 0}, family, PartValue::Stateset("", {"a"}, 1));
  Add(&merge, {kLive, 1}, family, PartValue::Stateset("", {"a"}, 1));
  EXPECT_EQ(SeriesOf(merge).size(), 2u);
}

TEST_F(MergedValuesTest, OtherStatesAreRefused) {
  EXPECT_EQ(Merged(MetricType::kStateset, ProcessMode::kMax,
                   {PartValue::Stateset("", {"a", "b"}, 1), PartValue::Stateset("", {"b", "a"}, 2),
                    PartValue::Stateset("", {"a"}, 1), I(1)}),
            "states=1 of a b");
  EXPECT_EQ(refused_.size(), 3u);
  EXPECT_THAT(refused_[0], HasSubstr("invalid: series \"x\" of worker 1 is left out: its states"));
}

TEST_F(MergedValuesTest, TheFirstCreationAndTheLastTimestampCount) {
  EXPECT_EQ(Merged(MetricType::kCounter, ProcessMode::kSum,
                   {I(1), I(1).CreatedAt(30), I(1).CreatedAt(20), I(1).CreatedAt(25)}),
            "4i created=20");
  EXPECT_EQ(Merged(MetricType::kCounter, ProcessMode::kSum, {I(1).At(-5), I(1).At(-7)}),
            "2i at=-5");
  // What has no timestamp is of now.
  EXPECT_EQ(Merged(MetricType::kCounter, ProcessMode::kSum, {I(1).At(5), I(1)}), "2i");
}

TEST_F(MergedValuesTest, HistogramsAddUp) {
  const auto h = [](std::vector<uint64_t> counts, double sum) {
    return PartValue::Histogram("", {0.1, 1}, std::move(counts), sum);
  };
  EXPECT_EQ(
      Merged(MetricType::kHistogram, ProcessMode::kDefault, {h({1, 2, 3}, 7), h({4, 5, 6}, 8)}),
      "[0.10000000000000001 1][5 7 9] sum=15");
  PartValue sumless = h({1, 1, 1}, 0);
  sumless.fields.point.has_sum = false;
  EXPECT_EQ(Merged(MetricType::kHistogram, ProcessMode::kMax, {h({1, 2, 3}, 7), sumless}),
            "[0.10000000000000001 1][2 3 4]");
  for (const ProcessMode mode : {ProcessMode::kSum, ProcessMode::kMax, ProcessMode::kLatest}) {
    EXPECT_EQ(Merged(MetricType::kGaugeHistogram, mode, {h({1, 2, 3}, 7), h({4, 5, 6}, 8)}),
              "[0.10000000000000001 1][5 7 9] sum=15");
  }
}

TEST_F(MergedValuesTest, OtherBoundsAreRefused) {
  EXPECT_EQ(Merged(MetricType::kHistogram, ProcessMode::kDefault,
                   {PartValue::Histogram("{a=\"1\"}", {1, 2}, {1, 2, 3}, 1),
                    PartValue::Histogram("{a=\"1\"}", {1, 3}, {1, 2, 3}, 1),
                    PartValue::Histogram("{a=\"1\"}", {1}, {1, 2}, 1),
                    PartValue::Histogram("{a=\"1\"}", {}, {1}, 1)}),
            "[1 2][1 2 3] sum=1");
  ASSERT_EQ(refused_.size(), 3u);
  EXPECT_THAT(refused_[0], HasSubstr("series \"x{a=\\\"1\\\"}\" of worker 1 is left out"));
  EXPECT_THAT(refused_[0], HasSubstr("its bounds are not those of the others"));
}

TEST_F(MergedValuesTest, SeriesOfOneFamilyMayHaveBoundsOfTheirOwn) {
  SetMerge merge = NewMerge();
  const PartFamily family{"h", MetricType::kHistogram};
  for (uint32_t worker = 0; worker < 2; ++worker) {
    for (const double bound : {1., 2., 1.}) {
      const std::string labels = "{b=\"" + std::to_string(bound) + "\"}";
      Add(&merge, {kDead, worker}, family, PartValue::Histogram(labels, {bound}, {1, 1}, 1));
    }
  }
  EXPECT_THAT(SeriesOf(merge), ElementsAre(::testing::Pair("h{b=\"1.000000\"}", "[1][4 4] sum=4"),
                                           ::testing::Pair("h{b=\"2.000000\"}", "[2][2 2] sum=2")));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(MergedValuesTest, OfExemplarsTheNewestOfEachBucketCounts) {
  const auto h = [](std::vector<testing::PartExemplar> exemplars) {
    return PartValue::Histogram("", {1}, {1, 1}, 1).WithExemplars(std::move(exemplars));
  };
  const std::string longer(300, 'l');
  EXPECT_EQ(
      Merged(MetricType::kHistogram, ProcessMode::kSum,
             {h({}), h({{"{t=\"1\"}", 0.5, 10}, {}}), h({{"{t=\"2\"}", 0.6, 5}, {longer, 2, 1}}),
              h({{"{t=\"longer\"}", 0.7, 11}, {"{}", 3, 2}}), h({{"{t=\"4\"}", 0.8, 11}, {}})}),
      "[1][5 5] sum=5 #0{t=\"longer\"}0.69999999999999996@11 #1{}3@2");
  EXPECT_EQ(Merged(MetricType::kCounter, ProcessMode::kSum,
                   {I(1).WithExemplars({{"{a=\"1\"}", 1, 1}}), I(1).WithExemplars({{longer, 2, 2}}),
                    I(1).WithExemplars({{"{c=\"3\"}", 3, 3}})}),
            "3i #0{c=\"3\"}3@3");
}

// Native buckets.

PartValue Native(PartNative native) {
  uint64_t count = native.zero_count;
  for (const auto& each : native.positive) count += each.second;
  for (const auto& each : native.negative) count += each.second;
  return PartValue::Histogram("", {}, {count}, 1).WithNative(std::move(native));
}

TEST_F(MergedValuesTest, NativeBucketsAddUpAtTheCoarsestSchema) {
  const auto merged = [&](const std::vector<PartValue>& values) {
    return Merged(MetricType::kHistogram, ProcessMode::kSum, values);
  };
  // Of schema 1, the buckets 1 and 2 become bucket 1 of schema 0; -1 and 0 become 0.
  const PartNative fine{1, 0, 1, {{1, 1}, {2, 2}, {3, 4}}, {{-1, 8}, {0, 16}}};
  const PartNative coarse{0, 0, 2, {{1, 32}}, {{0, 64}, {5, 128}}};
  const std::string sum = " native schema=0 zero=3 within=0 +1:35 +2:4 -0:88 -5:128";
  EXPECT_EQ(merged({Native(fine), Native(coarse)}), "[][258] sum=2" + sum);
  EXPECT_EQ(merged({Native(coarse), Native(fine)}), "[][258] sum=2" + sum);
}

TEST_F(MergedValuesTest, NativeBucketsCoarsenToTheLimit) {
  PartFamily family{"x", MetricType::kHistogram};
  family.native_max_buckets = 4;
  for (uint32_t worker = 0; worker < 4; ++worker) {
    PartNative native{2, 0, 0};
    for (int32_t i = 1; i <= 4; ++i) native.positive[static_cast<int32_t>(worker) * 4 + i] = 1;
    family.points.push_back(Native(native));
  }
  EXPECT_EQ(MergedOf(family), "[][16] sum=4 native schema=0 zero=0 within=0 +1:4 +2:4 +3:4 +4:4");
}

TEST_F(MergedValuesTest, TheLargerZeroThresholdTakesWhatLiesWithin) {
  // Of schema 0, bucket i ends at 2^i: those up to 2^-3 lie within 0.125.
  const PartNative narrow{0, 0, 1, {{-4, 1}, {-3, 2}, {-2, 4}}, {{-3, 8}, {-2, 16}}};
  const PartNative wide{0, 0.125, 32, {{-2, 64}}};
  const std::string sum = "[][128] sum=2 native schema=0 zero=44 within=0.125 +-2:68 --2:16";
  for (const auto& values :
       {std::vector{Native(narrow), Native(wide)}, {Native(wide), Native(narrow)}}) {
    EXPECT_EQ(Merged(MetricType::kHistogram, ProcessMode::kSum, values), sum);
  }
}

TEST_F(MergedValuesTest, NativeBucketsAreShownWhereAllHaveThem) {
  const PartNative native{0, 0, 1, {{1, 1}}};
  const PartValue classic = PartValue::Histogram("", {}, {5}, 1);
  for (const auto& values : {std::vector{Native(native), classic, Native(native)},
                             {classic, Native(native), Native(native)}}) {
    EXPECT_EQ(Merged(MetricType::kHistogram, ProcessMode::kSum, values), "[][9] sum=3");
  }
}

TEST_F(MergedValuesTest, NativeBucketsOfNoNumberAreRefused) {
  for (const PartNative& native :
       {PartNative{0, 0, 0, {{1026, 1}}}, PartNative{8, 0, 0, {}, {{-1074 * 256 - 1, 1}}},
        PartNative{9}, PartNative{-5}}) {
    SetMerge merge = NewMerge();
    Add(&merge, {kLive, 0}, {"x", MetricType::kHistogram}, Native(native));
    EXPECT_TRUE(SeriesOf(merge).empty());
    EXPECT_THAT(refused_.back(), HasSubstr("hold no number"));
  }
}

// Summaries.

TEST_F(MergedValuesTest, QuantilesAreThoseOfTheMergedWindow) {
  // The same observations in one sketch and spread over three workers.
  const std::vector<double> quantiles = {0, 0.1, 0.5, 0.9, 0.999, 1};
  test::ManualClock clock;
  const std::unique_ptr<Sketch> whole(
      Sketch::Make(std::chrono::seconds(60), clock.Now(), MetricMemory::Heap()));
  std::vector<std::map<int64_t, uint64_t>> windows(3);
  for (int i = 0; i < 500; ++i) {
    const double value = std::pow(1.03, i - 200) * (i % 7 == 0 ? -1 : 1);
    whole->Observe(value, clock.Now());
    ++windows[static_cast<size_t>(i * i % 3)][SketchBucketOf(value)];
  }
  std::vector<double> expected(quantiles.size());
  whole->Read(quantiles.data(), quantiles.size(), expected.data(), clock.Now());

  std::vector<PartValue> values;
  for (const auto& window : windows) {
    std::vector<SketchBucket> buckets;
    for (const auto& [bucket, count] : window) buckets.push_back({bucket, count});
    values.push_back(PartValue::Summary("", quantiles, buckets, 10, 2.5));
  }
  EXPECT_EQ(Merged(MetricType::kSummary, ProcessMode::kSum, values),
            "count=30 sum=7.5 " + testing::ListText(quantiles.data(), quantiles.size()) +
                testing::ListText(expected.data(), expected.size()));
}

TEST_F(MergedValuesTest, AnEmptyWindowHasNoQuantiles) {
  EXPECT_EQ(
      Merged(MetricType::kSummary, ProcessMode::kSum,
             {PartValue::Summary("", {0.5}, {}, 1, 1), PartValue::Summary("", {0.5}, {}, 2, 2)}),
      "count=3 sum=3 [0.5][NaN]");
}

TEST_F(MergedValuesTest, WhoIsGoneHasNoSayInTheQuantiles) {
  const PartFamily family{"s", MetricType::kSummary};
  const int64_t one = SketchBucketOf(1);
  const auto summary = [&](std::vector<double> quantiles) {
    return PartValue::Summary("", std::move(quantiles), {{one, 1}}, 1, 1);
  };
  SetMerge merge = NewMerge();
  Add(&merge, {kDead, 0}, family, summary({0.1}));
  Add(&merge, {kLive, 0}, family, summary({0.5}));
  Add(&merge, {kDead, 1}, family, summary({0.9}));
  Add(&merge, {PartOwner::State::kRetained, 0}, family, summary({}));
  EXPECT_THAT(refused_, IsEmpty());
  Add(&merge, {kLive, 1}, family, summary({0.9}));
  EXPECT_EQ(refused_.size(), 1u);
  EXPECT_THAT(TextOf(merge), HasSubstr("count=4 sum=4 [0.5][1.0"));
}

TEST_F(MergedValuesTest, TheWindowOfTheDeadCountsUntilTheyAreRetained) {
  const PartFamily family{"s", MetricType::kSummary};
  const int64_t bucket = SketchBucketOf(1);
  for (const auto state : {kDead, PartOwner::State::kRetained}) {
    SetMerge merge = NewMerge();
    Add(&merge, {kLive, 0}, family, PartValue::Summary("", {1}, {}, 1, 1));
    Add(&merge, {state, 0}, family, PartValue::Summary("", {1}, {{bucket, 1}}, 1, 1));
    EXPECT_EQ(TextOf(merge),
              "count=2 sum=2 [1][" +
                  testing::NumberText(state == kDead ? SketchValueOf(bucket) : kNaN) + "]");
  }
}

TEST_F(MergedValuesTest, QuantilesOfCollectorsAreThoseOfOneProcess) {
  PartValue value = PartValue::Summary("", {0.5, 0.9}, {}, 2, 3);
  value.quantile_values = {7, 8};
  EXPECT_EQ(Merged(MetricType::kSummary, ProcessMode::kSum, {value}, PartKind::kCollectors),
            "count=2 sum=3 [0.5 0.90000000000000002][7 8]");
  EXPECT_EQ(Merged(MetricType::kSummary, ProcessMode::kSum, {value, value}, PartKind::kCollectors),
            "count=4 sum=6 []");
  SetMerge merge = NewMerge();
  PartFamily family{"s", MetricType::kSummary, {}, ProcessMode::kSum, PartKind::kCollectors};
  Add(&merge, {kDead, 0}, family, value);
  EXPECT_EQ(TextOf(merge), "count=2 sum=3 []");
  Add(&merge, {kLive, 0}, family, value);
  EXPECT_EQ(TextOf(merge), "count=4 sum=6 [0.5 0.90000000000000002][7 8]");
  Add(&merge, {kDead, 1}, family, value);
  EXPECT_EQ(TextOf(merge), "count=6 sum=9 [0.5 0.90000000000000002][7 8]");
}

TEST_F(MergedValuesTest, CountsBeyondAnyRankEndTheWalk) {
  const uint64_t most = ~uint64_t{0};
  const auto text = Merged(MetricType::kSummary, ProcessMode::kSum,
                           {PartValue::Summary("", {1}, {{1, most - 1}, {2, 1}}, 1, 1)});
  EXPECT_THAT(text, HasSubstr("[1][" + testing::NumberText(SketchValueOf(2))));
}

}  // namespace
}  // namespace promplug
