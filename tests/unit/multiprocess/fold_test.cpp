// SPDX-License-Identifier: MIT
#include "multiprocess/fold.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "multiprocess/part_codec.hpp"
#include "support/part_text.hpp"
#include "support/part_values.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::PartFamily;
using testing::PartValue;
using testing::PartValues;

constexpr PartOwner kLive{PartOwner::State::kLive, 0};
constexpr PartOwner kDead{PartOwner::State::kDead, 0};
constexpr PartOwner kRetained{PartOwner::State::kRetained, 0};
constexpr int64_t kNow = 1'000'000;
constexpr int64_t kExpiry = 1000;

SetMerge NewMerge() {
  return SetMerge(
      [](std::string_view, std::string_view, std::string text) { ADD_FAILURE() << text; });
}

void Add(SetMerge* merge, const PartOwner& owner, const PartFamily& family) {
  PartValues points(family.points);
  merge->Add(family.Head(), owner, &points);
}

std::string Folded(const SetMerge& gone, const FoldOptions& options) {
  return FoldFamilies(gone, options, [](std::string_view, std::string_view, std::string text) {
    ADD_FAILURE() << text;
  });
}

// One text a point.
std::vector<std::string> Decoded(const std::string& bytes) {
  std::vector<std::string> texts;
  const Status status = DecodeParts(bytes, [&](const PartHead& head, PartPoints* points) {
    bool has_points = false;
    for (PartPoint point; points->Next(&point); has_points = true) {
      texts.push_back(std::string(head.head.name) + testing::PartText(head.head.type, point));
    }
    EXPECT_TRUE(has_points) << head.head.name;
  });
  EXPECT_TRUE(status.ok()) << status.text();
  return texts;
}

TEST(Fold, WhatGrewIsRetainedWithTheTimeOfTheFold) {
  SetMerge gone = NewMerge();
  Add(&gone, kDead, {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"1\"}", 2)}});
  Add(&gone, kDead, {"g", MetricType::kGauge, {PartValue::Integer("", 1)}, ProcessMode::kSum});
  Add(&gone, kDead, {"s", MetricType::kSummary, {PartValue::Summary("", {0.5}, {{1, 1}}, 3, 4)}});
  Add(&gone, kRetained,
      {"c_total",
       MetricType::kCounter,
       {PartValue::Integer("{a=\"1\"}", 3).TouchedAt(5),
        PartValue::Integer("{a=\"2\"}", 4).TouchedAt(6)}});
  EXPECT_THAT(Decoded(Folded(gone, {kNow, 0, nullptr})),
              ElementsAre("c_total{a=\"1\"} 5i touched=1000000", "c_total{a=\"2\"} 4i touched=6",
                          "s count=3 sum=4 [0.5] touched=1000000"));
}

TEST(Fold, NothingToRetainIsNoBytes) {
  SetMerge gone = NewMerge();
  EXPECT_EQ(Folded(gone, {kNow, kExpiry, nullptr}), "");
  Add(&gone, kDead, {"c_total", MetricType::kCounter, {}});
  Add(&gone, kDead, {"g", MetricType::kGauge, {PartValue::Integer("", 1)}});
  EXPECT_EQ(Folded(gone, {kNow, kExpiry, nullptr}), "");
}

TEST(Fold, TheHeadIsRetainedToo) {
  PartFamily family{"h", MetricType::kHistogram, {PartValue::Histogram("", {}, {1}, 1)}};
  family.mode = ProcessMode::kSum;
  family.kind = PartKind::kCollectors;
  family.help = "Its help.";
  family.unit = "seconds";
  family.native_max_buckets = 77;
  SetMerge gone = NewMerge();
  Add(&gone, kDead, family);
  const std::string bytes = Folded(gone, {kNow, 0, nullptr});
  ASSERT_TRUE(DecodeParts(bytes, [&](const PartHead& head, PartPoints*) {
                EXPECT_EQ(head.head.name, "h");
                EXPECT_EQ(head.head.process_mode, ProcessMode::kSum);
                EXPECT_EQ(head.kind, PartKind::kCollectors);
                EXPECT_EQ(head.head.help, "Its help.");
                EXPECT_EQ(head.head.unit, "seconds");
                EXPECT_EQ(head.native_max_buckets, 77u);
              }).ok());
}

PartFamily OldAndNew() {
  return {"c_total",
          MetricType::kCounter,
          {PartValue::Integer("{a=\"old\"}", 1).TouchedAt(kNow - kExpiry - 1),
           PartValue::Integer("{a=\"new\"}", 2).TouchedAt(kNow - kExpiry)}};
}

TEST(Fold, WhatNobodyTouchedForTheExpiryIsDropped) {
  SetMerge gone = NewMerge();
  Add(&gone, kRetained, OldAndNew());
  EXPECT_THAT(Decoded(Folded(gone, {kNow, kExpiry, nullptr})),
              ElementsAre("c_total{a=\"new\"} 2i touched=999000"));
  EXPECT_EQ(Decoded(Folded(gone, {kNow, 0, nullptr})).size(), 2u);
  EXPECT_THAT(Decoded(Folded(gone, {kNow + 1, kExpiry, nullptr})), IsEmpty());
}

TEST(Fold, AProcessThatEndsTouchesItsSeries) {
  SetMerge gone = NewMerge();
  Add(&gone, kDead, {"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"old\"}", 0)}});
  Add(&gone, kRetained, OldAndNew());
  EXPECT_THAT(
      Decoded(Folded(gone, {kNow, kExpiry, nullptr})),
      ElementsAre("c_total{a=\"old\"} 1i touched=1000000", "c_total{a=\"new\"} 2i touched=999000"));
}

TEST(Fold, WhatAProcessThatLivesHasIsKept) {
  SetMerge gone = NewMerge();
  Add(&gone, kRetained, OldAndNew());
  const auto kept = [&](const PartFamily& family) {
    SetMerge live = NewMerge();
    Add(&live, kLive, family);
    return Decoded(Folded(gone, {kNow, kExpiry, &live})).size() == 2;
  };
  const std::vector<PartValue> old = {PartValue::Integer("{a=\"old\"}", 0)};
  EXPECT_TRUE(kept({"c_total", MetricType::kCounter, old}));
  EXPECT_FALSE(kept({"c_total", MetricType::kCounter, {PartValue::Integer("{a=\"x\"}", 0)}}));
  EXPECT_FALSE(kept({"c_total", MetricType::kGauge, old, ProcessMode::kSum}));
  EXPECT_FALSE(kept({"c_total", MetricType::kCounter, old, ProcessMode::kPerWorker}));
  EXPECT_FALSE(kept({"d_total", MetricType::kCounter, old}));
}

TEST(Fold, TimesOfDamagedFilesOverflowNothing) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto kept = [](int64_t touched, int64_t now) {
    SetMerge gone = NewMerge();
    Add(&gone, kRetained,
        {"c_total", MetricType::kCounter, {PartValue::Integer("", 1).TouchedAt(touched)}});
    return !Folded(gone, {now, kMost, nullptr}).empty();
  };
  for (const int64_t touched : {kLeast, int64_t{-1}, int64_t{1}, kMost}) {
    EXPECT_TRUE(kept(touched, kLeast));
    EXPECT_EQ(kept(touched, 0), touched > kLeast);
    EXPECT_EQ(kept(touched, kMost), touched >= 0);
  }
}

TEST(Fold, OfMoreSeriesThanTheLimitThoseThatGrewLastStay) {
  SetMerge gone = NewMerge();
  Add(&gone, kDead,
      {"c_total",
       MetricType::kCounter,
       {PartValue::Integer("{a=\"new\"}", 1), PartValue::Integer("{a=\"both\"}", 2)}});
  Add(&gone, kRetained,
      {"c_total",
       MetricType::kCounter,
       {PartValue::Integer("{a=\"old\"}", 4), PartValue::Integer("{a=\"both\"}", 8)}});
  Add(&gone, kRetained, {"few_total", MetricType::kCounter, {PartValue::Integer("", 1)}});
  FoldOptions options;
  options.now_ms = kNow;
  options.max_series = 2;
  std::vector<std::string> told;
  const std::string bytes = FoldFamilies(
      gone, options, [&](std::string_view reason, std::string_view family, std::string) {
        told.push_back(std::string(reason) + " " + std::string(family));
      });
  EXPECT_THAT(Decoded(bytes), ElementsAre("c_total{a=\"new\"} 1i touched=1000000",
                                          "c_total{a=\"both\"} 10i touched=1000000",
                                          "few_total 1i touched=1000000"));
  EXPECT_THAT(told, ElementsAre("limit c_total"));
}

}  // namespace
}  // namespace promplug
