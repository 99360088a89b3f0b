// SPDX-License-Identifier: MIT
#include "metrics/native_sum.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "metrics/native_scale.hpp"
#include "unit/metrics/native_reference.hpp"

namespace promplug {
namespace {

using testing::CountsOf;
using testing::NativeBound;
using testing::NativeCounts;

constexpr uint32_t kNoLimit = std::numeric_limits<uint32_t>::max();

// The level of the coarsest part, or the first above where the buckets are few enough.
class Reference {
 public:
  void Add(bool negative, uint32_t level, int32_t index, uint64_t count) {
    CoarsenTo(level);
    counts_[{negative ? -1 : 1, CoarserIndex(index, level_ - level)}] += count;
  }
  void Settle(uint32_t max_buckets, uint32_t level) {
    CoarsenTo(level);
    while (counts_.size() > max_buckets && level_ < kCoarsestLevel) CoarsenTo(level_ + 1);
  }
  const NativeCounts& counts() const { return counts_; }
  uint32_t level() const { return level_; }

 private:
  void CoarsenTo(uint32_t level) {
    if (level <= level_) return;
    NativeCounts coarser;
    for (const auto& [key, count] : counts_) {
      coarser[{key.first, CoarserIndex(key.second, level - level_)}] += count;
    }
    counts_ = coarser;
    level_ = level;
  }

  NativeCounts counts_;
  uint32_t level_ = 0;
};

NativeCounts Shown(const NativeSum& sum) {
  NativeSpans spans;
  spans.Make(sum);
  EXPECT_EQ(spans.histogram().schema, SchemaOfLevel(sum.level()));
  for (size_t i = 1; i < spans.histogram().n_positive_spans; ++i) {
    EXPECT_GT(spans.histogram().positive_offsets[i], 0);
  }
  return CountsOf(spans.histogram());
}

TEST(NativeSum, PartsOfAnyLevelAddUpInAnyOrder) {
  std::mt19937_64 random(1);
  const auto below = [&](size_t n) { return static_cast<uint32_t>(random() % n); };
  NativeSum sum;
  for (int round = 0; round < 300; ++round) {
    sum.Clear();
    Reference reference;
    uint64_t total = 0;
    const uint32_t coarsest = below(kCoarsestLevel + 1);
    for (uint32_t settling = 0; settling < 4; ++settling) {
      for (uint32_t n = below(40); n > 0; --n) {
        const bool negative = below(2) == 0;
        const uint32_t level = below(coarsest + 1);
        const int32_t index = static_cast<int32_t>(below(200) >> level / 2) - 50;
        const uint64_t count = 1 + below(5);
        sum.Add(negative, level, index, count);
        reference.Add(negative, level, index, count);
        total += count;
      }
      const uint32_t limit = below(3) == 0 ? 1 + below(30) : kNoLimit;
      const uint32_t level = below(3);
      sum.Settle(limit, level);
      reference.Settle(limit, level);
      ASSERT_EQ(sum.level(), reference.level());
      ASSERT_EQ(Shown(sum), reference.counts());
      ASSERT_EQ(sum.total(), total);
    }
  }
}

TEST(NativeSum, TheBucketsOfTheLastNumbersFitAtEveryLevel) {
  for (uint32_t level = 0; level <= kCoarsestLevel; ++level) {
    NativeSum sum;
    for (const bool negative : {false, true}) {
      sum.Add(negative, 0, kLowestFinest, 1);
      sum.Add(negative, 0, kHighestFinest, 2);
    }
    sum.Settle(kNoLimit, level);
    EXPECT_EQ(Shown(sum), (NativeCounts{{{-1, CoarserIndex(kLowestFinest, level)}, 1},
                                        {{-1, CoarserIndex(kHighestFinest, level)}, 2},
                                        {{1, CoarserIndex(kLowestFinest, level)}, 1},
                                        {{1, CoarserIndex(kHighestFinest, level)}, 2}}));
  }
}

TEST(NativeSum, WhatEndsAtTheThresholdOrBelowItIsZero) {
  for (int32_t schema = kCoarsestSchema; schema <= kFinestSchema; ++schema) {
    const auto level = static_cast<uint32_t>(kFinestSchema - schema);
    for (int32_t last = -3; last <= 3; ++last) {
      const auto bound = static_cast<double>(NativeBound(schema, last));
      for (const double threshold :
           {bound, std::nextafter(bound, 0.), std::nextafter(bound, 1e300)}) {
        NativeSum sum;
        for (int32_t i = -5; i <= 5; ++i) {
          sum.Add(false, level, i, 1);
          sum.Add(true, level, i, 100);
        }
        sum.AddZero(10000);
        sum.Settle(kNoLimit, level);
        sum.MoveToZero(threshold);
        NativeCounts expected{{{0, 0}, 10000}};
        for (int32_t i = -5; i <= 5; ++i) {
          const bool within = static_cast<double>(NativeBound(schema, i)) <= threshold;
          expected[within ? std::pair(0, 0) : std::pair(1, i)] += 1;
          expected[within ? std::pair(0, 0) : std::pair(-1, i)] += 100;
        }
        EXPECT_EQ(Shown(sum), expected) << schema << " " << last << " " << threshold;
        EXPECT_EQ(sum.total(), 10000u + 11 * 101);
      }
    }
  }
}

TEST(NativeSum, AThresholdOfZeroTakesNothing) {
  NativeSum sum;
  sum.Add(false, 0, kLowestFinest, 1);
  sum.Settle(kNoLimit, 0);
  sum.MoveToZero(0);
  EXPECT_EQ(sum.zero_count(), 0u);
  sum.MoveToZero(std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(sum.zero_count(), 1u);
}

TEST(NativeSpans, OnlyBucketsThatSomeNumberHasHoldNumbers) {
  for (uint32_t level = 0; level <= kCoarsestLevel; ++level) {
    const int32_t lowest = CoarserIndex(kLowestFinest, level);
    const int32_t highest = CoarserIndex(kHighestFinest, level);
    const auto hold = [&](std::vector<int32_t> offsets, std::vector<uint32_t> lengths) {
      return NativeSpansHoldNumbers(level, offsets.data(), lengths.data(), offsets.size());
    };
    EXPECT_TRUE(hold({}, {}));
    EXPECT_TRUE(hold({lowest}, {1}));
    EXPECT_TRUE(hold({highest}, {1}));
    EXPECT_TRUE(hold({lowest}, {static_cast<uint32_t>(highest - lowest + 1)}));
    EXPECT_FALSE(hold({lowest - 1}, {1}));
    EXPECT_FALSE(hold({highest}, {2}));
    EXPECT_FALSE(hold({0, std::numeric_limits<int32_t>::max()}, {1, 1}));
    EXPECT_FALSE(hold({highest}, {std::numeric_limits<uint32_t>::max()}));
    EXPECT_TRUE(hold({std::numeric_limits<int32_t>::max()}, {0}));
  }
}

}  // namespace
}  // namespace promplug
