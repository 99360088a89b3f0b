// SPDX-License-Identifier: MIT
// What a reader makes of a segment that says what no process writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "metrics/family_record.hpp"
#include "metrics/host_cells.hpp"
#include "metrics/series_arena.hpp"
#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/set_merge.hpp"
#include "unit/multiprocess/segment_fixture.hpp"
#include "unit/multiprocess/segment_testing.hpp"

namespace promplug {
namespace {

using test::Get;
using test::MakeFamily;
using ::testing::ElementsAre;

class SegmentDamageTest : public test::SegmentFixture {
 protected:
  void Merge(SetMerge* merge, PartOwner::State state) {
    const Status status =
        View()->ForEach(clock_.Now(), [&](const PartHead& head, PartPoints* points) {
          merge->Add(head, {state, 0}, points);
        });
    EXPECT_TRUE(status.ok()) << status.text();
  }

  // Whether what a fold makes of the segment can be read again, with so many points.
  void ExpectFoldable(size_t n_points) {
    const auto ignore = [](std::string_view, std::string_view, std::string) {};
    SetMerge gone(ignore);
    Merge(&gone, PartOwner::State::kDead);
    size_t n = 0;
    const std::string totals = FoldFamilies(gone, {}, ignore);
    const Status status = DecodeParts(totals, [&](const PartHead&, PartPoints* p) {
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
      {"bounds descend",
       [](FamilyShape* shape) {
         shape->buckets = {2, 1};
       }},
      {"bound twice",
       [](FamilyShape* shape) {
         shape->buckets = {1, 1};
       }},
      {"bound +Inf",
       [&](FamilyShape* shape) {
         shape->buckets = {1, kInfinity};
       }},
      {"bound NaN", [&](FamilyShape* shape) { shape->buckets = {kNaN}; }},
      {"quantiles descend",
       [](FamilyShape* shape) {
         shape->quantiles = {0.9, 0.5};
       }},
      {"quantile twice",
       [](FamilyShape* shape) {
         shape->quantiles = {0.5, 0.5};
       }},
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

TEST_F(SegmentDamageTest, TheSizeOfACellIsThatOfItsFamilyWhateverTheRecordSaysLater) {
  Family* family = MakeFamily(*registry_, MetricType::kHistogram, "h");
  Get(family, "a")->Observe(5);
  const std::unique_ptr<SegmentView> view = View();
  EXPECT_THAT(Read(view.get())["h{id=\"a\"}"].counts, ElementsAre(0u, 1u, 0u, 0u));
  FamilyRecord* record = memory_->header()->families.load();
  for (const uint32_t words : {0u, 1u, 2000u, 0xFFFFFFFFu}) {
    record->words_per_cell = words;
    auto seen = Read(view.get());
    ASSERT_EQ(seen.size(), 1u);
    EXPECT_THAT(seen["h{id=\"a\"}"].counts, ElementsAre(0u, 1u, 0u, 0u));
  }
}

TEST_F(SegmentDamageTest, NoRouteLeadsOutOfTheFile) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* series = Get(family, "a");
  series->CounterAdd(5);
  family->Promote(series);
  auto* route = reinterpret_cast<uint64_t*>(series);  // its first word
  const uint64_t good = *route;
  constexpr int kAddressBits = 48;
  const uint64_t address = good & ((uint64_t{1} << kAddressBits) - 1);
  ASSERT_GT(address, memory_->header()->owner_base);
  const std::unique_ptr<SegmentView> view = View();
  for (uint64_t upper = 0; upper < 0x10000; ++upper) {
    *route = address | upper << kAddressBits;
    ASSERT_EQ(Read(view.get()).size(), 1u);
  }
  *route = good;
  EXPECT_EQ(Read(view.get())["c_total{id=\"a\"}"].point.point.integer, 5u);
}

TEST_F(SegmentDamageTest, ListsThatGoRoundCostNoMoreThanTheFileIsLong) {
  Family* family = MakeFamily(*registry_, MetricType::kGauge, "g");
  Get(family, "a");
  Family* counter = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  *counter->AddHostCell(Get(counter, "a")) += 1;
  FamilyRecord* newest = memory_->header()->families.load();
  FamilyRecord* oldest = newest->next.load();
  Chunk* chunk = oldest->chunks.load();
  HostCellNode* cell = newest->host_cells.load();
  chunk->next.store(chunk);
  cell->next = cell;
  oldest->next.store(newest);
  size_t families = 0;
  size_t points = 0;
  const Status status = View()->ForEach(clock_.Now(), [&](const PartHead&, PartPoints* each) {
    ++families;
    for (PartPoint point; each->Next(&point);) ++points;
  });
  EXPECT_TRUE(status.ok()) << status.text();
  const uint64_t bytes = memory_->header()->bytes.load();
  EXPECT_GE(points, 2u);
  EXPECT_LE(points, bytes / sizeof(Series));
  EXPECT_LE(families, bytes / sizeof(FamilyRecord));
  chunk->next.store(nullptr);
  cell->next = nullptr;
  oldest->next.store(nullptr);
}

TEST_F(SegmentDamageTest, AnOwnerThatHasItAtNoPageIsRefused) {
  memory_->header()->owner_base += sizeof(uint64_t);
  const Result<OwnedFd> fd = directory_->OpenSegment(memory_->uuid());
  EXPECT_EQ(SegmentView::Map(fd.value().get()).status().code(), Code::kInvalid);
}

}  // namespace
}  // namespace promplug
