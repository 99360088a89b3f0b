// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

// What a point says of its exemplars: "BUCKET:LABELS VALUE@MS", in order.
std::vector<std::string> Said(const Point& point) {
  std::vector<std::string> said;
  for (size_t i = 0; i < point.n_exemplars; ++i) {
    const Exemplar& exemplar = point.exemplars[i];
    if (exemplar.labels.empty()) continue;
    said.push_back(std::to_string(i) + ":" + std::string(exemplar.labels) + " " +
                   std::to_string(static_cast<int>(exemplar.value)) + "@" +
                   std::to_string(exemplar.unix_ms));
  }
  return said;
}

using Strings = std::vector<std::string>;

class ExemplarTest : public ::testing::Test {
 protected:
  Family* Make(MetricType type, std::string_view name) {
    FamilyDescription description;
    description.type = type;
    description.name = name;
    description.label_names = {"id"};
    if (type == MetricType::kHistogram) description.buckets = {1, 10, 100};
    if (type == MetricType::kStateset) description.states = {"on"};
    return registry_.FindOrMake(description).value();
  }
  static Series* Get(Family* family, std::string_view id) {
    Series* series = nullptr;
    EXPECT_TRUE(family->FindOrMake(&id, 1, &series).ok());
    return series;
  }
  static void Observe(Series* series, double value, std::string_view labels, int64_t ms = 7) {
    const Exemplar exemplar{labels, -1, ms};
    EXPECT_TRUE(series->family()->Apply(series, UpdateOp::kObserve, value, exemplar).ok());
  }
  // The exemplars of the only series that is exposed.
  static Strings Read(Family* family) {
    Point points[2];
    const std::unique_ptr<PointSource> source = family->Read();
    EXPECT_EQ(source->Next(points, 2), 1u);
    return Said(points[0]);
  }
  static uint64_t Count(Family* family) {
    Point point;
    const std::unique_ptr<PointSource> source = family->Read();
    EXPECT_EQ(source->Next(&point, 1), 1u);
    uint64_t count = 0;
    for (size_t i = 0; i <= point.n_bounds; ++i) count += point.counts[i];
    return count;
  }

  test::ManualClock clock_;
  Registry registry_{clock_};
  Family* histogram_ = Make(MetricType::kHistogram, "h");
};

TEST_F(ExemplarTest, TheNewestOfEachBucketIsKeptWithItsValueAndTime) {
  Series* series = Get(histogram_, "a");
  Observe(series, 50, "{trace=\"1\"}");
  Observe(series, 2, "{trace=\"2\"}");
  Observe(series, 500, "{trace=\"3\"}", 0);
  Observe(series, 70, "{trace=\"4\"}", 8);
  const std::string now = std::to_string(clock_.UnixMillis());
  EXPECT_EQ(Read(histogram_),
            (Strings{"1:{trace=\"2\"} 2@7", "2:{trace=\"4\"} 70@8", "3:{trace=\"3\"} 500@" + now}));
  EXPECT_EQ(Count(histogram_), 4u);
}

TEST_F(ExemplarTest, ACounterKeepsOneAndUpdateTakesItToo) {
  Family* counter = Make(MetricType::kCounter, "c_total");
  const std::string_view id = "a";
  const Exemplar first{"{t=\"1\"}", 0, 1};
  const Exemplar second{"{t=\"2\"}", 0, 2};
  ASSERT_TRUE(counter->Update(&id, 1, UpdateOp::kAdd, 3, &first).ok());
  ASSERT_TRUE(counter->Update(&id, 1, UpdateOp::kAdd, 4, &second).ok());
  EXPECT_EQ(Read(counter), Strings{"0:{t=\"2\"} 4@2"});
  Point point;
  counter->Read()->Next(&point, 1);
  EXPECT_EQ(point.integer, 7u);
}

TEST_F(ExemplarTest, OneOf128CharactersIsKeptAndALongerOneCostsItselfOnly) {
  Series* series = Get(histogram_, "a");
  std::string characters;
  for (int i = 0; i < 126; ++i) characters += "\xC3\xA9";
  Observe(series, 2, "{id=\"" + characters + "\"}");
  EXPECT_EQ(Read(histogram_).size(), 1u);
  Observe(series, 20, "{idx=\"" + characters + "\"}");
  Observe(series, 20, "");
  EXPECT_EQ(Read(histogram_).size(), 1u);
  EXPECT_EQ(Count(histogram_), 3u);
  EXPECT_EQ(registry_.DroppedExemplars(), 2u);
}

TEST_F(ExemplarTest, AnEscapedCharacterCountsOnce) {
  std::string escapes;
  for (int i = 0; i < 127; ++i) escapes += "\\n";
  EXPECT_TRUE(IsGoodExemplar("{a=\"" + escapes + "\"}"));
  EXPECT_FALSE(IsGoodExemplar("{a=\"" + escapes + "x\"}"));
}

TEST_F(ExemplarTest, WhereNoneCanStandItIsDroppedAndTheUpdateIsMade) {
  const Exemplar exemplar{"{t=\"1\"}", 0, 1};
  Family* gauge = Make(MetricType::kGauge, "g");
  EXPECT_TRUE(gauge->Apply(Get(gauge, "a"), UpdateOp::kSet, 5, exemplar).ok());
  EXPECT_TRUE(Read(gauge).empty());
  Family* counter = Make(MetricType::kCounter, "c_total");
  EXPECT_TRUE(counter->Apply(Get(counter, "a"), UpdateOp::kAdd, -1, exemplar).ok());
  EXPECT_TRUE(Read(counter).empty());
  EXPECT_FALSE(counter->Apply(Get(counter, "a"), UpdateOp::kObserve, 1, exemplar).ok());
  Observe(Get(histogram_, "a"), std::numeric_limits<double>::quiet_NaN(), "{t=\"1\"}");
  EXPECT_TRUE(Read(histogram_).empty());
  EXPECT_EQ(registry_.DroppedExemplars(), 4u);
  EXPECT_EQ(registry_.IgnoredUpdates(), 3u);
}

TEST_F(ExemplarTest, RemovalForgetsAndTheNextLifeBeginsWithout) {
  Series* series = Get(histogram_, "a");
  Observe(series, 2, "{t=\"1\"}");
  histogram_->Remove(series);
  series->Observe(2);
  EXPECT_TRUE(Read(histogram_).empty());
  Observe(series, 20, "{t=\"2\"}");
  EXPECT_EQ(Read(histogram_), Strings{"2:{t=\"2\"} 20@7"});
  // A block that is used again does not bring those of its last owner.
  histogram_->Remove(series);
  histogram_->Unpin(series);
  for (int i = 0; i < 3; ++i) registry_.Maintain();
  EXPECT_EQ(Get(histogram_, "b"), series);
  series->Observe(20);
  EXPECT_TRUE(Read(histogram_).empty());
}

TEST_F(ExemplarTest, AnUpdateWithOneBringsARemovedSeriesBack) {
  Series* series = Get(histogram_, "a");
  histogram_->Remove(series);
  Observe(series, 2, "{t=\"1\"}");
  EXPECT_EQ(Read(histogram_), Strings{"1:{t=\"1\"} 2@7"});
  EXPECT_EQ(Count(histogram_), 1u);
}

TEST_F(ExemplarTest, WhatABatchSaysStaysWhileNewerOnesAreKept) {
  std::vector<Series*> all;
  for (int i = 0; i < 5; ++i) {
    all.push_back(Get(histogram_, std::to_string(i)));
    Observe(all.back(), 2, "{t=\"old\"}", i + 1);
  }
  const std::unique_ptr<PointSource> source = histogram_->Read();
  Point points[5];
  ASSERT_EQ(source->Next(points, 5), 5u);
  for (Series* series : all) Observe(series, 2, "{t=\"a much longer one than before\"}");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Said(points[i]), Strings{"1:{t=\"old\"} 2@" + std::to_string(i + 1)});
  }
}

TEST_F(ExemplarTest, APointThatIsUsedAgainHasNoneOfTheSeriesBefore) {
  Observe(Get(histogram_, "a"), 2, "{t=\"1\"}");
  Get(histogram_, "b")->Observe(2);
  const std::unique_ptr<PointSource> source = histogram_->Read();
  Point point;
  ASSERT_EQ(source->Next(&point, 1), 1u);
  EXPECT_EQ(Said(point), Strings{"1:{t=\"1\"} 2@7"});
  ASSERT_EQ(source->Next(&point, 1), 1u);
  EXPECT_TRUE(Said(point).empty());
}

TEST_F(ExemplarTest, TheSinkKeepsNone) {
  Observe(histogram_->sink(), 2, "{t=\"1\"}");
  Point point;
  EXPECT_EQ(histogram_->Read()->Next(&point, 1), 0u);
  EXPECT_EQ(registry_.DroppedExemplars(), 0u);
}

TEST_F(ExemplarTest, AForkChildBeginsWithoutThoseOfItsParent) {
  Observe(Get(histogram_, "a"), 2, "{t=\"1\"}");
  registry_.LockForFork();
  registry_.UnlockAfterFork();
  registry_.ResetValues();
  EXPECT_TRUE(Read(histogram_).empty());
}

}  // namespace
}  // namespace promplug
