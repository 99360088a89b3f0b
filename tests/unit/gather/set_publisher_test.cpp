// SPDX-License-Identifier: MIT
#include "gather/set_publisher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "multiprocess/part_codec.hpp"
#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class SetPublisherTest : public ::testing::Test {
 protected:
  SetPublisherTest() {
    CollectorSpec spec;
    spec.name = "own";
    spec.collect = [this](CollectorWriter& writer) { return Collect("own", writer); };
    own_ = bench_.sources.RegisterCollector(std::move(spec)).value();
    CollectorSpec one;
    one.name = "one";
    one.one_process = true;
    one.collect = [this](CollectorWriter& writer) { return Collect("one", writer); };
    EXPECT_TRUE(bench_.sources.RegisterCollector(std::move(one)).ok());
    for (const MetricType type : {MetricType::kCounter, MetricType::kGauge}) {
      ValueSpec value =
          ValueOf(type == MetricType::kCounter ? "v_total" : "v", {}, [this](double* out) {
            *out = value_.load();
            return Answer();
          });
      value.type = type;
      value.process_mode = ProcessMode::kSum;
      EXPECT_TRUE(bench_.sources.RegisterValue(value).ok());
    }
    EXPECT_TRUE(bench_.sources.StartThreads().ok());
  }

  Status Answer() const { return fails_.load() ? Status(Code::kIo, "away") : Status(); }
  Status Collect(const std::string& name, CollectorWriter& writer) {
    Point point;
    point.value = value_.load();
    for (const MetricType type : {MetricType::kCounter, MetricType::kGauge}) {
      const std::string family = type == MetricType::kCounter ? name + "_total" : name;
      Status status = writer.BeginFamily({type, family, "Help.", {}});
      if (status.ok()) status = writer.Add(nullptr, 0, point);
      if (!status.ok()) return status;
    }
    return Answer();
  }

  // What collectors and values say, as it is published.
  std::vector<std::string> Publish(bool with_one_process = false) {
    publisher_.Begin(with_one_process, [] {});
    EXPECT_TRUE(Eventually([&] { return publisher_.Ready(); }));
    const std::string bytes = publisher_.Take();
    std::vector<std::string> lines;
    EXPECT_TRUE(DecodeParts(bytes, [&](const PartHead& head, PartPoints* points) {
                  PartPoint point;
                  while (head.kind == PartKind::kCollectors && points->Next(&point)) {
                    lines.push_back(ToText(head.head, point.point));
                  }
                }).ok());
    return lines;
  }

  std::atomic<double> value_{1};
  std::atomic<bool> fails_{false};
  uint64_t own_ = 0;
  Bench bench_;
  SetPublisher publisher_{bench_.sources, bench_.clock, seconds(5)};
};

TEST_F(SetPublisherTest, PublishesWhatIsCumulativeAgainWhileItIsNotSaid) {
  EXPECT_THAT(Publish(), ElementsAre("own 1", "own_total 1", "v 1", "v_total 1"));
  fails_ = true;
  value_ = 2;
  for (int i = 0; i < 3; ++i) EXPECT_THAT(Publish(), ElementsAre("own_total 1", "v_total 1"));
  fails_ = false;
  EXPECT_THAT(Publish(), ElementsAre("own 2", "own_total 2", "v 2", "v_total 2"));
}

TEST_F(SetPublisherTest, SaysTheProcessModeOfAValue) {
  publisher_.Begin(false, [] {});
  EXPECT_TRUE(Eventually([&] { return publisher_.Ready(); }));
  std::vector<std::pair<std::string, ProcessMode>> modes;
  EXPECT_TRUE(DecodeParts(publisher_.Take(), [&](const PartHead& head, PartPoints*) {
                if (head.kind != PartKind::kCollectors) return;
                modes.emplace_back(head.head.name, head.head.process_mode);
              }).ok());
  EXPECT_THAT(modes, UnorderedElementsAre(Pair("own", ProcessMode::kDefault),
                                          Pair("own_total", ProcessMode::kDefault),
                                          Pair("v", ProcessMode::kSum),
                                          Pair("v_total", ProcessMode::kSum)));
}

TEST_F(SetPublisherTest, ForgetsWhatIsNotRegisteredAnyMore) {
  (void)Publish();
  ASSERT_TRUE(bench_.sources.Unregister(own_, seconds(1)).ok());
  EXPECT_THAT(Publish(), ElementsAre("v 1", "v_total 1"));
}

TEST_F(SetPublisherTest, WhatOneProcessSaysForAllIsForgottenWithTheLease) {
  EXPECT_THAT(Publish(true),
              ElementsAre("own 1", "own_total 1", "v 1", "v_total 1", "one 1", "one_total 1"));
  fails_ = true;
  EXPECT_THAT(Publish(true), ElementsAre("own_total 1", "v_total 1", "one_total 1"));
  EXPECT_THAT(Publish(false), ElementsAre("own_total 1", "v_total 1"));
  EXPECT_THAT(Publish(true), ElementsAre("own_total 1", "v_total 1"));
}

TEST_F(SetPublisherTest, ACollectorThatIsInsideIsPublishedAsBeforeOnceTheTimeoutHasCome) {
  (void)Publish();
  Gate& gate = bench_.NewGate();
  CollectorSpec late = Gated("late", &gate);
  late.timeout = seconds(100);
  ASSERT_TRUE(bench_.sources.RegisterCollector(std::move(late)).ok());
  fails_ = true;
  publisher_.SetTimeout(seconds(9));
  publisher_.Begin(false, [] {});
  ASSERT_TRUE(gate.WaitEntered());
  bench_.clock.Advance(seconds(6));
  EXPECT_FALSE(publisher_.Ready());
  bench_.clock.Advance(seconds(3));
  EXPECT_TRUE(Eventually([&] { return publisher_.Ready(); }));
  gate.Open();
}

}  // namespace
}  // namespace promplug::test
