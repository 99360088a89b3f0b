// SPDX-License-Identifier: MIT
// Native buckets in families: shape, points, removal, reset.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"
#include "unit/metrics/native_reference.hpp"

namespace promplug {
namespace {

using testing::CountsOf;
using ::testing::HasSubstr;
using testing::NativeCounts;

class FamilyNativeTest : public ::testing::Test {
 protected:
  static FamilyDescription Description(std::vector<double> buckets = {}) {
    FamilyDescription description;
    description.type = MetricType::kHistogram;
    description.name = "h_seconds";
    description.label_names = {"l"};
    description.buckets = std::move(buckets);
    description.native_max_buckets = 100;
    return description;
  }
  Family* Make(const FamilyDescription& description) {
    Result<Family*> family = registry_.FindOrMake(description);
    EXPECT_TRUE(family.ok()) << family.status().text();
    return family.value();
  }
  std::string Refusal(const FamilyDescription& description) {
    Result<Family*> family = registry_.FindOrMake(description);
    return family.ok() ? "" : std::string(family.status().text());
  }
  static Series* Get(Family* family, std::string_view value) {
    Series* series = nullptr;
    EXPECT_TRUE(family->FindOrMake(&value, 1, &series).ok());
    return series;
  }
  // The points of the family; they live until the next call.
  const std::vector<Point>& Read(Family* family) {
    source_ = family->Read();
    points_.resize(100);
    points_.resize(source_->Next(points_.data(), points_.size()));
    return points_;
  }
  static uint64_t CountOf(const Point& point) {
    uint64_t count = 0;
    for (size_t i = 0; i <= point.n_bounds; ++i) count += point.counts[i];
    return count;
  }

  test::ManualClock clock_;
  Registry registry_{clock_};
  std::unique_ptr<PointSource> source_;
  std::vector<Point> points_;
};

TEST_F(FamilyNativeTest, ShowsNativeBucketsBesideTheClassicOnes) {
  Family* family = Make(Description({1, 10}));
  Series* series = Get(family, "a");
  for (const double v : {0.0, 0.5, 1.0, 5.0, 100.0, -3.0, std::nan("")}) series->Observe(v);
  ASSERT_EQ(Read(family).size(), 1u);
  const Point& point = points_[0];
  ASSERT_NE(point.native, nullptr);
  EXPECT_EQ(point.native->schema, 3);
  EXPECT_EQ(point.native->zero_threshold, 0x1p-128);
  NativeCounts expected;
  for (const double v : {0.0, 0.5, 1.0, 5.0, 100.0, -3.0}) {
    testing::AddNative(&expected, 3, 0x1p-128, v);
  }
  EXPECT_EQ(CountsOf(*point.native), expected);
  ASSERT_EQ(point.n_bounds, 2u);
  EXPECT_EQ(std::vector<uint64_t>(point.counts, point.counts + 3),
            (std::vector<uint64_t>{4, 1, 1}));
  EXPECT_EQ(point.sum, 103.5);
}

TEST_F(FamilyNativeTest, WithoutBoundsHasNoClassicBuckets) {
  Family* family = Make(Description());
  Get(family, "a")->Observe(3);
  ASSERT_EQ(Read(family).size(), 1u);
  EXPECT_EQ(points_[0].n_bounds, 0u);
  EXPECT_EQ(points_[0].counts[0], 1u);
}

TEST_F(FamilyNativeTest, TakesGrowthAndZeroWidthAsAsked) {
  FamilyDescription description = Description();
  description.native_growth = 2;
  description.native_zero_width = 0.25;
  Family* family = Make(description);
  for (const double v : {0.25, -0.25, 0.2500001, 3.0}) Get(family, "a")->Observe(v);
  ASSERT_EQ(Read(family).size(), 1u);
  EXPECT_EQ(points_[0].native->schema, 0);
  EXPECT_EQ(points_[0].native->zero_threshold, 0.25);
  EXPECT_EQ(CountsOf(*points_[0].native), (NativeCounts{{{0, 0}, 2}, {{1, -1}, 1}, {{1, 2}, 1}}));
}

TEST_F(FamilyNativeTest, RefusesWhatCannotBe) {
  FamilyDescription description = Description();
  description.native_growth = 1;
  EXPECT_THAT(Refusal(description), HasSubstr("native_growth"));
  description.native_growth = std::nan("");
  EXPECT_THAT(Refusal(description), HasSubstr("native_growth"));
  description = Description();
  description.native_zero_width = -1;
  EXPECT_THAT(Refusal(description), HasSubstr("native_zero_width"));
  description.native_zero_width = INFINITY;
  EXPECT_THAT(Refusal(description), HasSubstr("native_zero_width"));
  description = Description();
  description.native_max_buckets = 2049;
  EXPECT_THAT(Refusal(description), HasSubstr("2048 native buckets"));
}

TEST_F(FamilyNativeTest, IsAnotherFamilyWithOtherNativeBuckets) {
  Family* family = Make(Description({1}));
  EXPECT_EQ(Make(Description({1})), family);
  FamilyDescription other = Description({1});
  other.native_max_buckets = 0;
  EXPECT_THAT(Refusal(other), HasSubstr("differs in its native buckets"));
  other.native_max_buckets = 100;
  other.native_growth = 1.5;
  EXPECT_THAT(Refusal(other), HasSubstr("differs in its native buckets"));
}

TEST_F(FamilyNativeTest, ComesBackFromZeroAfterRemoval) {
  Family* family = Make(Description({1, 10}));
  Series* series = Get(family, "a");
  for (int i = 0; i < 5; ++i) series->Observe(i);
  family->Remove(series);
  EXPECT_EQ(Read(family).size(), 0u);
  series->Observe(7);
  ASSERT_EQ(Read(family).size(), 1u);
  NativeCounts expected;
  testing::AddNative(&expected, 3, 0, 7);
  EXPECT_EQ(CountsOf(*points_[0].native), expected);
  EXPECT_EQ(CountOf(points_[0]), 1u);
}

TEST_F(FamilyNativeTest, GivesTheMemoryOfASeriesThatIsGoneToANewOne) {
  Family* family = Make(Description());
  for (int round = 0; round < 10; ++round) {
    Series* series = Get(family, "a");
    series->Observe(1);
    family->Remove(series);
    family->Unpin(series);
    for (int i = 0; i < 3; ++i) registry_.Maintain();
  }
  Series* series = Get(family, "a");
  series->Observe(1);
  ASSERT_EQ(Read(family).size(), 1u);
  EXPECT_EQ(CountOf(points_[0]), 1u);
}

TEST_F(FamilyNativeTest, StartsFromZeroAfterAReset) {
  Family* family = Make(Description({1}));
  Series* series = Get(family, "a");
  for (int i = 0; i < 5; ++i) series->Observe(i);
  registry_.ResetValues();
  series->Observe(2);
  ASSERT_EQ(Read(family).size(), 1u);
  EXPECT_EQ(CountOf(points_[0]), 1u);
  EXPECT_EQ(CountsOf(*points_[0].native).size(), 1u);
}

TEST_F(FamilyNativeTest, LetsTheSinkTakeObservations) {
  FamilyDescription description = Description();
  description.max_series = 1;
  Family* family = Make(description);
  Get(family, "a");
  std::string_view other = "b";
  Series* sink = nullptr;
  EXPECT_FALSE(family->FindOrMake(&other, 1, &sink).ok());
  sink->Observe(1);
  registry_.ResetValues();
  sink->Observe(1);
  ASSERT_EQ(Read(family).size(), 1u);
  EXPECT_EQ(CountOf(points_[0]), 0u);
}

TEST_F(FamilyNativeTest, MakesRoomWhenTheRegistryIsMaintained) {
  FamilyDescription description = Description();
  description.native_growth = 1.003;
  description.native_max_buckets = 50;
  Family* family = Make(description);
  Series* series = Get(family, "a");
  std::vector<double> values;
  for (int i = 0; i < 4000; ++i) {
    values.push_back(std::pow(1.002, i));
    series->Observe(values.back());
    registry_.Maintain();
  }
  ASSERT_EQ(Read(family).size(), 1u);
  const NativeHistogram& native = *points_[0].native;
  // 1.002^4000 are 11.5 powers of two: 4 buckets to each are within the limit, 8 are not.
  EXPECT_EQ(native.schema, 2);
  NativeCounts expected;
  for (const double v : values) testing::AddNative(&expected, 2, 0x1p-128, v);
  EXPECT_EQ(CountsOf(native), expected);
}

// In the middle of everything: the count is the sum of the native buckets, and no cumulative count
// falls.
TEST_F(FamilyNativeTest, IsConsistentAtAnyMoment) {
  Family* family = Make(Description({0.5, 1, 2}));
  Series* series = Get(family, "a");
  constexpr int kThreads = 3;
  constexpr int kEach = 20000;
  std::atomic<int> left{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) series->Observe(0.001 * (i % 4000));
      left.fetch_sub(1);
    });
  }
  std::vector<uint64_t> before(4);
  bool running = true;
  while (running) {
    running = left.load() > 0;
    registry_.Maintain();
    ASSERT_EQ(Read(family).size(), 1u);
    uint64_t native = 0;
    for (const auto& [bucket, count] : CountsOf(*points_[0].native)) native += count;
    uint64_t cumulative = 0;
    for (size_t i = 0; i < 4; ++i) {
      cumulative += points_[0].counts[i];
      EXPECT_GE(cumulative, before[i]);
      before[i] = cumulative;
    }
    EXPECT_EQ(cumulative, native);
  }
  for (std::thread& thread : threads) thread.join();
  Read(family);
  EXPECT_EQ(CountOf(points_[0]), uint64_t{kThreads} * kEach);
}

TEST_F(FamilyNativeTest, StaysConsistentWhereSeriesAreRemovedUnderUpdates) {
  Family* family = Make(Description({0.5, 1, 2}));
  Series* series = Get(family, "a");
  std::atomic<bool> stop{false};
  std::thread observer([&] {
    for (int i = 0; !stop.load(); ++i) series->Observe(0.001 * (i % 4000));
  });
  for (int i = 0; i < 2000; ++i) {
    family->Remove(series);
    if (Read(family).empty()) continue;
    uint64_t native = 0;
    for (const auto& [bucket, count] : CountsOf(*points_[0].native)) native += count;
    EXPECT_EQ(CountOf(points_[0]), native);
  }
  stop.store(true);
  observer.join();
}

}  // namespace
}  // namespace promplug
