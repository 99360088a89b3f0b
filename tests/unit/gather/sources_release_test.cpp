// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

TEST(ReleaseTest, OneThatBlocksHoldsUpNobodyElse) {
  Bench bench;
  Gate& inside = bench.NewGate();
  Gate& release = bench.NewGate();
  CollectorSpec spec = Gated("leaving", &inside);
  spec.release = [&release] { release.Pass(); };
  const auto id = bench.sources.RegisterCollector(std::move(spec)).value();
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(inside.WaitEntered());
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kTimeout);
  inside.Open();
  ASSERT_TRUE(release.WaitEntered());
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("fine 1"));
  EXPECT_THAT(bench.Gather(), ElementsAre("fine 1"));
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kTimeout);
  EXPECT_EQ(bench.sources.Stop(0ms).code(), Code::kTimeout);
  release.Open();
  EXPECT_TRUE(bench.sources.Unregister(id, 1h).ok());
  EXPECT_TRUE(bench.sources.Stop(1h).ok());
  EXPECT_EQ(release.entered(), 1);
}

TEST(ReleaseTest, OneThatBlocksInUnregisterHoldsUpThatCallOnly) {
  Bench bench;
  Gate& release = bench.NewGate();
  CollectorSpec spec = OneGauge("leaving");
  spec.release = [&release] { release.Pass(); };
  const auto id = bench.sources.RegisterCollector(std::move(spec)).value();
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::thread unregistering([&] { EXPECT_TRUE(bench.sources.Unregister(id, 1h).ok()); });
  ASSERT_TRUE(release.WaitEntered());
  EXPECT_THAT(bench.Gather(), ElementsAre("fine 1"));
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kTimeout);
  release.Open();
  unregistering.join();
  EXPECT_EQ(release.entered(), 1);
}

}  // namespace
}  // namespace promplug::test
