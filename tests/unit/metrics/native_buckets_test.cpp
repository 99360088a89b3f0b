// SPDX-License-Identifier: MIT
#include "metrics/native_buckets.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "metrics/native_reading.hpp"
#include "unit/metrics/native_reference.hpp"

namespace promplug {
namespace {

using testing::NativeCounts;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr uint32_t LevelOfSchema(int32_t schema) {
  return static_cast<uint32_t>(kFinestSchema - schema);
}

using OwnedBuckets = std::unique_ptr<NativeBuckets, decltype(&NativeBuckets::Free)>;

NativeCounts Expected(const std::vector<double>& values, int32_t schema, double zero_threshold) {
  NativeCounts counts;
  for (const double v : values) testing::AddNative(&counts, schema, zero_threshold, v);
  return counts;
}

size_t BucketsBesideZero(const NativeCounts& counts) {
  return counts.size() - counts.count({0, 0});
}

// Reads, and compares with what the definition says at the schema that was read.
int32_t ExpectRead(const NativeBuckets& buckets, const NativeShape& shape,
                   const std::vector<double>& values) {
  NativeReading reading;
  reading.Read(buckets, shape.max_buckets, shape.level);
  const NativeHistogram& read = reading.histogram();
  EXPECT_EQ(reading.total(), values.size());
  EXPECT_EQ(testing::CountsOf(read), Expected(values, read.schema, shape.zero_threshold));
  return read.schema;
}

// The finest schema that the limit allows, and not finer than the wish.
int32_t SchemaThatFits(const std::vector<double>& values, const NativeShape& shape) {
  int32_t schema = SchemaOfLevel(shape.level);
  while (schema > kCoarsestSchema &&
         BucketsBesideZero(Expected(values, schema, shape.zero_threshold)) > shape.max_buckets) {
    --schema;
  }
  return schema;
}

TEST(NativeBuckets, CountEachObservationInItsBucket) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> usual(-3, 1);
  for (int32_t schema = kCoarsestSchema; schema <= kFinestSchema; ++schema) {
    const NativeShape shape{2048, LevelOfSchema(schema), 0x1p-128};
    const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()),
                             &NativeBuckets::Free);
    NativeBuckets& buckets = *owned;
    std::vector<double> values = {0, -0.0, 0x1p-128, -0x1p-129, kInf, -kInf, 1, -1, 1e308, 5e-324};
    for (int i = 0; i < 1000; ++i) values.push_back(i % 3 == 0 ? -usual(random) : usual(random));
    for (const double v : values) buckets.Observe(v);
    EXPECT_EQ(ExpectRead(buckets, shape, values), schema);
  }
}

TEST(NativeBuckets, OfAnUnusedSeriesAreNone) {
  const NativeShape shape{160, 5, 0.5};
  const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()), &NativeBuckets::Free);
  NativeBuckets& buckets = *owned;
  NativeReading reading;
  reading.Read(buckets, shape.max_buckets, shape.level);
  EXPECT_EQ(reading.total(), 0u);
  EXPECT_EQ(reading.histogram().schema, 3);
  EXPECT_EQ(reading.histogram().n_positive_spans + reading.histogram().n_negative_spans, 0u);
}

TEST(NativeBuckets, AreShownAsFineAsTheLimitAllowsWhateverComes) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    const NativeShape shape{1 + static_cast<uint32_t>(random() % 200),
                            static_cast<uint32_t>(random() % 13), 0};
    const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()),
                             &NativeBuckets::Free);
    NativeBuckets& buckets = *owned;
    std::vector<double> values;
    std::lognormal_distribution<double> usual(0, 0.1 + static_cast<double>(random() % 5));
    for (size_t n = random() % 2000; n > 0; --n) {
      values.push_back(random() % 50 == 0 ? -usual(random) : usual(random));
      // As often as it asks, as the maintenance of a registry does a little later.
      if (buckets.Observe(values.back())) {
        EXPECT_TRUE(buckets.Maintain());
      }
    }
    const int32_t schema = ExpectRead(buckets, shape, values);
    // What was counted coarsely while the fine buckets were too many cannot be made fine again, but
    // it was not coarser than the limit made it.
    EXPECT_LE(schema, SchemaThatFits(values, shape));
    EXPECT_GE(schema, std::max(SchemaThatFits(values, shape) - 1, kCoarsestSchema));
  }
}

TEST(NativeBuckets, LoseNothingWhereNobodyMaintainsThem) {
  std::mt19937_64 random(3);
  const NativeShape shape{20, 0, 0};
  const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()), &NativeBuckets::Free);
  NativeBuckets& buckets = *owned;
  std::vector<double> values;
  // All there is, from the smallest to the largest, of both signs: more than the places.
  for (int i = 0; i < 5000; ++i) {
    const double v = std::bit_cast<double>(random());
    if (v != v) continue;
    buckets.Observe(v);
    values.push_back(v);
  }
  EXPECT_EQ(ExpectRead(buckets, shape, values), kCoarsestSchema);
}

TEST(NativeBuckets, InABurstBeforeMaintenanceAreCoarserByLittle) {
  std::mt19937_64 random(4);
  std::lognormal_distribution<double> usual(0, 2);
  for (int32_t schema = 2; schema <= kFinestSchema; ++schema) {
    const NativeShape shape{160, LevelOfSchema(schema), 0};
    const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()),
                             &NativeBuckets::Free);
    NativeBuckets& buckets = *owned;
    std::vector<double> values;
    for (int i = 0; i < 3000; ++i) {
      values.push_back(usual(random));
      buckets.Observe(values.back());
    }
    EXPECT_GE(ExpectRead(buckets, shape, values), SchemaThatFits(values, shape) - 1) << schema;
  }
}

TEST(NativeBuckets, GoOnFromZeroAfterZero) {
  const NativeShape shape{2, 0, 0};
  const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()), &NativeBuckets::Free);
  NativeBuckets& buckets = *owned;
  for (int i = 0; i < 1000; ++i) {
    if (buckets.Observe(std::ldexp(1.1, i - 500)) && i % 2 == 0) {
      EXPECT_TRUE(buckets.Maintain());
    }
  }
  buckets.Observe(0);
  buckets.Zero();
  ExpectRead(buckets, shape, {});
  buckets.Observe(1.5);
  ExpectRead(buckets, shape, {1.5});
}

TEST(NativeBuckets, CountExactlyWhileManyObserveMaintainAndRead) {
  constexpr int kThreads = 4;
  constexpr int kEach = 20000;
  const NativeShape shape{40, 0, 0x1p-20};
  const OwnedBuckets owned(NativeBuckets::Make(shape, MetricMemory::Heap()), &NativeBuckets::Free);
  NativeBuckets& buckets = *owned;
  std::atomic<int> left{kThreads};
  std::vector<std::vector<double>> values(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    std::mt19937_64 random(static_cast<uint64_t>(t));
    std::normal_distribution<double> usual(0, 1);
    for (int i = 0; i < kEach; ++i) {
      // Wider and wider, so that each level is passed under way.
      values[static_cast<size_t>(t)].push_back(usual(random) * std::pow(1.0005, i));
    }
  }
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (const double v : values[static_cast<size_t>(t)]) buckets.Observe(v);
      left.fetch_sub(1);
    });
  }
  uint64_t before = 0;
  int32_t schema = kFinestSchema;
  NativeReading reading;
  while (left.load() > 0) {
    EXPECT_TRUE(buckets.Maintain());
    reading.Read(buckets, shape.max_buckets, shape.level);
    EXPECT_GE(reading.total(), before);
    EXPECT_LE(reading.histogram().schema, schema);
    before = reading.total();
    schema = reading.histogram().schema;
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<double> all;
  for (const auto& some : values) all.insert(all.end(), some.begin(), some.end());
  ExpectRead(buckets, shape, all);
}

}  // namespace
}  // namespace promplug
