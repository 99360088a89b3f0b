// SPDX-License-Identifier: MIT
// What a reader makes of a segment that says what no process writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "metrics/family_record.hpp"
#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/set_merge.hpp"
#include "unit/multiprocess/segment_fixture.hpp"
#include "unit/multiprocess/segment_testing.hpp"

namespace promplug {
namespace {

using test::Get;
using test::MakeFamily;

class SegmentDamageTest : public test::SegmentFixture {
 protected:
  void Merge(SetMerge* merge, PartOwner::State state) {
    View()->ForEach(clock_.Now(), [&](const PartHead& head, PartPoints* points) {
      merge->Add(head, {state, 0}, points);
    });
  }

  // Whether what a fold makes of the segment can be read again, with so many points.
  void ExpectFoldable(size_t n_points) {
    SetMerge gone([](std::string_view, std::string_view, std::string) {});
    Merge(&gone, PartOwner::State::kDead);
    size_t n = 0;
    const Status status = DecodeParts(FoldFamilies(gone, {}), [&](const PartHead&, PartPoints* p) {
      for (PartPoint point; p->Next(&point);) ++n;
    });
    EXPECT_TRUE(status.ok()) << status.text();
    EXPECT_EQ(n, n_points);
  }
};

TEST_F(SegmentDamageTest, QuantilesInAnyOrderAreFoldedToWhatCanBeRead) {
  FamilyDescription description;
  description.type = MetricType::kSummary;
  description.name = "s";
  description.label_names = {"id"};
  description.quantiles = {0.99, 0.5, 0.5};
  Get(registry_->FindOrMake(description).value(), "a")->Observe(1);
  ExpectFoldable(1);
}

TEST(FamilyShapeBytes, WhatNoShapeSaysIsRefused) {
  FamilyShape good;
  good.type = MetricType::kHistogram;
  good.name = "h";
  good.help = "Help.";
  good.unit = "s";
  good.states = {"on"};
  good.buckets = {1, 2};
  good.quantiles = {0.5, 0.9};
  ASSERT_TRUE(DecodeShape(EncodeShape(good)).has_value());
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<const char*, std::function<void(FamilyShape*)>>> damages = {
      {"name", [](FamilyShape* shape) { shape->name = "\xff"; }},
      {"no name", [](FamilyShape* shape) { shape->name.clear(); }},
      {"help", [](FamilyShape* shape) { shape->help = "\xc3"; }},
      {"unit", [](FamilyShape* shape) { shape->unit = "\xff"; }},
      {"state", [](FamilyShape* shape) { shape->states = {"\xff"}; }},
      {"bounds descend", [](FamilyShape* shape) { shape->buckets = {2, 1}; }},
      {"bound twice", [](FamilyShape* shape) { shape->buckets = {1, 1}; }},
      {"bound +Inf", [&](FamilyShape* shape) { shape->buckets = {1, kInfinity}; }},
      {"bound NaN", [&](FamilyShape* shape) { shape->buckets = {kNaN}; }},
      {"quantiles descend", [](FamilyShape* shape) { shape->quantiles = {0.9, 0.5}; }},
      {"quantile twice", [](FamilyShape* shape) { shape->quantiles = {0.5, 0.5}; }},
      {"quantile above 1", [](FamilyShape* shape) { shape->quantiles = {1.5}; }},
      {"quantile NaN", [&](FamilyShape* shape) { shape->quantiles = {kNaN}; }},
      {"zero threshold", [](FamilyShape* shape) { shape->native.zero_threshold = -1; }},
      {"wide zero", [&](FamilyShape* shape) { shape->native.zero_threshold = kInfinity; }},
  };
  for (const auto& [what, damage] : damages) {
    FamilyShape shape = good;
    damage(&shape);
    EXPECT_FALSE(DecodeShape(EncodeShape(shape)).has_value()) << what;
  }
}

TEST_F(SegmentDamageTest, LabelsThatAreNoneAreLeftOut) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* damaged = Get(family, "a");
  Get(family, "b");
  for (const char wrong : {'\xff', '}'}) {
    *const_cast<char*>(damaged->labels().data()) = wrong;
    EXPECT_EQ(Read().size(), 1u);
    ExpectFoldable(1);
  }
}

TEST_F(SegmentDamageTest, ExemplarsWithoutLabelsAreLeftOut) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* series = Get(family, "a");
  ASSERT_TRUE(family->Apply(series, UpdateOp::kAdd, 1, {"{trace=\"t\"}", 1, 9}).ok());
  EXPECT_EQ(Read()["c_total{id=\"a\"}"].exemplars.size(), 1u);
  char* text = Find("{trace=\"t\"}");
  ASSERT_NE(text, nullptr);
  *text = '\xff';
  EXPECT_EQ(Read()["c_total{id=\"a\"}"].exemplars.size(), 0u);
  ExpectFoldable(1);
}

}  // namespace
}  // namespace promplug
