// SPDX-License-Identifier: MIT
// What becomes of names, labels and owners. What becomes of values: merged_values_test.cpp.
#include "multiprocess/set_merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/part_text.hpp"
#include "support/part_values.hpp"

namespace promplug {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using testing::PartFamily;
using testing::PartValue;
using testing::PartValues;
using testing::SeriesOf;
using ::testing::SizeIs;

constexpr PartOwner kRetained{PartOwner::State::kRetained, 0};
PartOwner Live(uint32_t worker) { return {PartOwner::State::kLive, worker}; }
PartOwner Dead(uint32_t worker) { return {PartOwner::State::kDead, worker}; }

class SetMergeTest : public ::testing::Test {
 protected:
  void Add(const PartOwner& owner, const PartFamily& family) {
    PartValues points(family.points);
    merge_.Add(family.Head(), owner, &points);
  }

  std::vector<std::string> refused_;  // "reason: text"
  SetMerge merge_{[this](std::string_view reason, std::string_view family, std::string text) {
    EXPECT_THAT(text, HasSubstr(std::string(family)));
    refused_.push_back(std::string(reason) + ": " + text);
  }};
};

TEST_F(SetMergeTest, CountersOfAllWorkersAddUp) {
  Add(Live(0), {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"1\"}", 2)}});
  Add(Live(1), {"c_total",
                MetricType::kCounter,
                {PartValue::Integer("{a=\"2\"}", 5), PartValue::Integer("{a=\"1\"}", 3)}});
  Add(Dead(1), {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"1\"}", 10)}});
  Add(kRetained, {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"3\"}", 7)}});
  EXPECT_THAT(SeriesOf(merge_),
              ElementsAre(Pair("c_total{a=\"1\"}", "15i"), Pair("c_total{a=\"2\"}", "5i"),
                          Pair("c_total{a=\"3\"}", "7i")));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(SetMergeTest, GaugesAreShownByWorkerAndVanishWithIt) {
  Add(Live(0), {"g", MetricType::kGauge, {PartValue::Double("", 1.5)}});
  Add(Live(12), {"g", MetricType::kGauge, {PartValue::Double("{a=\"x\"}", 2)}});
  Add(Dead(3), {"g", MetricType::kGauge, {PartValue::Double("", 3)}});
  EXPECT_THAT(SeriesOf(merge_),
              ElementsAre(Pair("g{a=\"x\",worker=\"12\"}", "2"), Pair("g{worker=\"0\"}", "1.5")));
}

TEST_F(SetMergeTest, TheWorkerGivesWayToALabelOfTheSeries) {
  Add(Live(4),
      {"g",
       MetricType::kGauge,
       {PartValue::Double("{worker=\"w\"}", 1),
        PartValue::Double("{promplug_worker=\"p\",worker=\"w\"}", 2),
        PartValue::Double("{coworker=\"c\"}", 3), PartValue::Double("{a=\"worker\"}", 4)}});
  EXPECT_THAT(
      SeriesOf(merge_),
      ElementsAre(Pair("g{a=\"worker\",worker=\"4\"}", "4"),
                  Pair("g{coworker=\"c\",worker=\"4\"}", "3"),
                  Pair("g{promplug_worker=\"p\",worker=\"w\",promplug_promplug_worker=\"4\"}", "2"),
                  Pair("g{worker=\"w\",promplug_worker=\"4\"}", "1")));
}

TEST_F(SetMergeTest, LabelsInAnotherOrderAreTheSameSeries) {
  const auto add = [&](uint32_t worker, std::string labels, uint64_t n) {
    Add(Live(worker), {"c_total", MetricType::kCounter, {PartValue::Integer(labels, n)}});
  };
  add(0, "{a=\"1\",b=\"2\"}", 1);
  add(1, "{b=\"2\",a=\"1\"}", 10);
  add(2, "{b=\"2\",a=\"1\"}", 100);
  add(3, "{b=\"1\",a=\"2\"}", 1000);
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("c_total{a=\"1\",b=\"2\"}", "111i"),
                                            Pair("c_total{b=\"1\",a=\"2\"}", "1000i")));
}

TEST_F(SetMergeTest, ProcessAndSelfMetricsAreAlwaysShownByWorker) {
  for (const PartKind kind : {PartKind::kProcess, PartKind::kSelf}) {
    const std::string name = kind == PartKind::kProcess ? "process_x_total" : "promplug_x_total";
    for (uint32_t worker = 0; worker < 2; ++worker) {
      PartFamily family{name, MetricType::kCounter, {PartValue::Integer("", worker + 1)}};
      family.kind = kind;
      Add(Live(worker), family);
      Add(Dead(worker + 5), family);
    }
  }
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("process_x_total{worker=\"0\"}", "1i"),
                                            Pair("process_x_total{worker=\"1\"}", "2i"),
                                            Pair("promplug_x_total{worker=\"0\"}", "1i"),
                                            Pair("promplug_x_total{worker=\"1\"}", "2i")));
}

TEST_F(SetMergeTest, InstrumentsAndOtherKindsAreTwoSpacesOfNames) {
  PartFamily family{"x_total", MetricType::kCounter, {PartValue::Integer("", 1)}};
  Add(Live(0), family);
  family.kind = PartKind::kCollectors;
  family.type = MetricType::kGauge;
  Add(Live(0), family);
  EXPECT_EQ(merge_.n_families(), 2u);
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(SetMergeTest, AnotherTypeIsLeftOutAndNamed) {
  Add(Live(2), {"x", MetricType::kCounter, {PartValue::Integer("", 1)}});
  Add(Live(7), {"x", MetricType::kGauge, {PartValue::Integer("", 1)}});
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "1i")));
  EXPECT_THAT(refused_, ElementsAre(AllOf(HasSubstr("type: family \"x\" of worker 7 is left out"),
                                          HasSubstr("it is a gauge, but a counter in worker 2"))));
}

TEST_F(SetMergeTest, AnotherModeIsLeftOutAndNamed) {
  Add(Live(0), {"x", MetricType::kGauge, {PartValue::Integer("", 1)}, ProcessMode::kMax});
  Add(Live(1), {"x", MetricType::kGauge, {PartValue::Integer("", 2)}, ProcessMode::kSum});
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "1i")));
  EXPECT_THAT(refused_,
              ElementsAre(HasSubstr("asks for the sum, but for the largest in worker 0")));
}

TEST_F(SetMergeTest, ModesThatMeanTheSameAreNoContradiction) {
  Add(Live(0), {"x", MetricType::kCounter, {PartValue::Integer("", 1)}, ProcessMode::kDefault});
  Add(Live(1), {"x", MetricType::kCounter, {PartValue::Integer("", 2)}, ProcessMode::kSum});
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "3i")));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(SetMergeTest, AnotherHelpGivesWay) {
  PartFamily family{"x", MetricType::kCounter, {PartValue::Integer("", 1)}};
  Add(Live(0), family);
  family.help = "";
  Add(Live(1), family);
  EXPECT_THAT(refused_, IsEmpty());
  family.help = "Other.";
  Add(Live(2), family);
  EXPECT_THAT(refused_, ElementsAre(HasSubstr("help: family \"x\" of worker 2 has another help")));
  EXPECT_EQ(merge_.Head(0).head.help, "Help.");
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "3i")));
}

TEST_F(SetMergeTest, WhatDoesNotCountOfTheDeadDoesNotClashEither) {
  Add(Dead(0), {"x", MetricType::kGauge, {PartValue::Integer("", 1)}});
  Add(kRetained, {"x", MetricType::kInfo, {PartValue::Integer("", 1)}});
  EXPECT_EQ(merge_.n_families(), 0u);
  Add(Live(1), {"x", MetricType::kCounter, {PartValue::Integer("", 2)}});
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "2i")));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(SetMergeTest, OfTheDeadOnlyWhatGrowsCounts) {
  const std::vector<MetricType> types = {
      MetricType::kCounter, MetricType::kGauge, MetricType::kHistogram,     MetricType::kSummary,
      MetricType::kUntyped, MetricType::kInfo,  MetricType::kGaugeHistogram};
  for (const PartOwner& owner : {Dead(1), kRetained}) {
    for (const MetricType type : types) {
      PartValue value = PartValue::Histogram("", {1}, {2, 3}, 4);
      value.fields.point.integer = 1;
      const std::string name = "t" + std::to_string(static_cast<int>(type));
      Add(owner, {name, type, {value}, ProcessMode::kSum});
      Add(owner, {name + "_by_worker", type, {value}, ProcessMode::kPerWorker});
      PartFamily one{name + "_one", type, {value}, ProcessMode::kSum, PartKind::kCollectors};
      one.one_process = true;
      Add(owner, one);
    }
  }
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("t1", "0"), Pair("t3", "[1][4 6] sum=8"),
                                            Pair("t4", "count=2 sum=8 []")));
}

class OneForAllTest : public SetMergeTest, public ::testing::WithParamInterface<MetricType> {};
INSTANTIATE_TEST_SUITE_P(Types, OneForAllTest,
                         ::testing::Values(MetricType::kCounter, MetricType::kGauge));

TEST_P(OneForAllTest, TheOneThatSpokeLastIsRight) {
  const auto said = [this](uint32_t worker, int64_t published_ms, uint64_t value) {
    PartFamily family{"x", GetParam(), {PartValue::Integer("", value)}};
    if (worker == 2) family.points.push_back(PartValue::Integer("{a=\"1\"}", value));
    family.kind = PartKind::kCollectors;
    family.one_process = true;
    PartOwner owner = Live(worker);
    owner.published_ms = published_ms;
    Add(owner, family);
  };
  said(1, 1000, 5);
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "5i")));
  said(2, 3000, 7);
  said(3, 2000, 9);
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "7i"), Pair("x{a=\"1\"}", "7i")));
  said(4, 4000, 1);
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x", "1i")));
  EXPECT_THAT(refused_, IsEmpty());
}

TEST_F(SetMergeTest, WhatEachSaysIsNotMixedWithWhatOneSaysForAll) {
  PartFamily family{"x", MetricType::kGauge, {PartValue::Integer("", 1)}};
  family.kind = PartKind::kCollectors;
  Add(Live(1), family);
  family.one_process = true;
  Add(Live(2), family);
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("x{worker=\"1\"}", "1i")));
  EXPECT_THAT(refused_, ElementsAre(HasSubstr("that of one process for all")));
}

TEST_F(SetMergeTest, ASeriesThatComesTwiceFromOneProcessCountsOnce) {
  const PartFamily twice{
      "c_total",
      MetricType::kCounter,
      {PartValue::Integer("{a=\"1\",b=\"2\"}", 1), PartValue::Integer("{a=\"1\",b=\"2\"}", 10),
       PartValue::Integer("{b=\"2\",a=\"1\"}", 100)}};
  Add(Live(0), twice);
  Add(Live(0), twice);
  Add(Dead(0), twice);
  Add(Dead(0), twice);  // another process with that slot
  EXPECT_THAT(SeriesOf(merge_), ElementsAre(Pair("c_total{a=\"1\",b=\"2\"}", "3i")));
  EXPECT_THAT(refused_, SizeIs(4));
  EXPECT_THAT(refused_[0], HasSubstr("duplicate: series \"c_total{a=\\\"1\\\""));
}

TEST_F(SetMergeTest, SeriesByWorkerThatComeTwiceInTwoPartsCountOnce) {
  PartFamily family{"g", MetricType::kGauge, {}, ProcessMode::kDefault, PartKind::kCollectors};
  for (uint32_t worker = 0; worker < 3; ++worker) {
    family.points = {PartValue::Integer("{a=\"1\"}", 1), PartValue::Integer("{a=\"2\"}", 2)};
    Add(Live(worker), family);
    family.points = {PartValue::Integer("{a=\"3\"}", 3), PartValue::Integer("{a=\"1\"}", 4)};
    if (worker != 1) Add(Live(worker), family);
    if (worker == 2) Add(Live(worker), family);
  }
  EXPECT_THAT(SeriesOf(merge_), SizeIs(3 + 2 + 3));
  for (const auto& [name, text] : SeriesOf(merge_)) {
    EXPECT_EQ(text, std::string(1, name[5]) + "i") << name;
  }
  EXPECT_THAT(refused_, SizeIs(3));
}

TEST_F(SetMergeTest, WhetherAProcessThatLivesHasASeries) {
  Add(Live(0), {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"1\",b=\"2\"}", 1)}});
  Add(Dead(1), {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"2\",b=\"2\"}", 1)}});
  Add(Live(0), {"g", MetricType::kGauge, {PartValue::Integer("", 1)}});
  PartFamily family{"c_total"};
  const auto has = [&](std::string_view labels) { return merge_.HasLive(family.Head(), labels); };
  EXPECT_TRUE(has("{a=\"1\",b=\"2\"}"));
  EXPECT_TRUE(has("{b=\"2\",a=\"1\"}"));
  EXPECT_FALSE(has("{a=\"2\",b=\"2\"}"));
  EXPECT_FALSE(has("{a=\"2\",b=\"1\"}"));
  family.mode = ProcessMode::kPerWorker;
  EXPECT_FALSE(has("{a=\"1\",b=\"2\"}"));
  family.mode = ProcessMode::kSum;
  EXPECT_TRUE(has("{a=\"1\",b=\"2\"}"));
  family.type = MetricType::kGauge;
  EXPECT_FALSE(has("{a=\"1\",b=\"2\"}"));
  family = {"c_total"};
  family.kind = PartKind::kCollectors;
  EXPECT_FALSE(has("{a=\"1\",b=\"2\"}"));
  family = {"g", MetricType::kGauge};
  EXPECT_FALSE(has(""));
  family.name = "d_total";
  EXPECT_FALSE(has(""));
}

TEST_F(SetMergeTest, ManySeriesInAnyOrderFindTheirRows) {
  constexpr uint32_t kSeries = 1000;
  // Each worker has another order: the steps have no divisor in common with the number.
  const std::vector<uint32_t> steps = {1, 3, 7, 9, 11, 13, 17, 19};
  for (uint32_t worker = 0; worker < steps.size(); ++worker) {
    PartFamily family{"c_total", MetricType::kCounter, {}};
    for (uint32_t i = 0; i < kSeries; ++i) {
      const uint32_t series = (i * steps[worker] + worker * 17) % kSeries;
      family.points.push_back(
          PartValue::Integer("{i=\"" + std::to_string(series) + "\"}", series + 1));
    }
    Add(Live(worker), family);
  }
  EXPECT_THAT(refused_, IsEmpty());
  const auto series = SeriesOf(merge_, 64);
  ASSERT_THAT(series, SizeIs(kSeries));
  for (uint32_t i = 0; i < kSeries; ++i) {
    EXPECT_EQ(series.at("c_total{i=\"" + std::to_string(i) + "\"}"),
              std::to_string((i + 1) * steps.size()) + "i");
  }
}

}  // namespace
}  // namespace promplug
