// SPDX-License-Identifier: MIT
// What a process counts in its segment, as another one reads it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstring>
#include <future>
#include <random>
#include <thread>

#include "metrics/sketch_scale.hpp"
#include "unit/multiprocess/segment_fixture.hpp"
#include "unit/multiprocess/segment_testing.hpp"

namespace promplug {
namespace {

using test::Get;
using test::MakeFamily;
using test::Seen;
using ::testing::ElementsAre;

using SegmentTest = test::SegmentFixture;

TEST_F(SegmentTest, ShowsCountersGaugesAndStatesAsTheyAre) {
  Get(MakeFamily(*registry_, MetricType::kCounter, "c_total"), "a")->CounterAdd(7);
  Get(MakeFamily(*registry_, MetricType::kCounter, "f_total"), "a")->CounterAdd(0.25);
  Get(MakeFamily(*registry_, MetricType::kGauge, "g"), "b \"quoted\"\n")->GaugeSet(-1.5);
  Get(MakeFamily(*registry_, MetricType::kStateset, "s"), "x")->StateSet(1, true);
  Get(MakeFamily(*registry_, MetricType::kInfo, "i"), "v");
  auto seen = Read();
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_TRUE(seen["c_total{id=\"a\"}"].point.point.is_integer);
  EXPECT_EQ(seen["c_total{id=\"a\"}"].point.point.integer, 7u);
  EXPECT_EQ(seen["c_total{id=\"a\"}"].point.point.created_ms, clock_.UnixMillis());
  EXPECT_EQ(seen["f_total{id=\"a\"}"].point.point.value, 0.25);
  EXPECT_EQ(seen["g{id=\"b \\\"quoted\\\"\\n\"}"].point.point.value, -1.5);
  EXPECT_EQ(seen["s{id=\"x\"}"].point.point.states, 2u);
  EXPECT_EQ(seen["i{id=\"v\"}"].point.point.integer, 1u);
}

TEST_F(SegmentTest, ShowsHistogramsWithNativeBucketsAndExemplars) {
  Family* family = MakeFamily(*registry_, MetricType::kHistogram, "h", ProcessMode::kDefault, 16);
  Series* series = Get(family, "a");
  for (const double v : {0.5, 5.0, 5.0, 50.0, 500.0}) series->Observe(v);
  ASSERT_TRUE(family->Apply(series, UpdateOp::kObserve, 7, {"{trace=\"t\"}", 7, 9}).ok());
  auto seen = Read();
  Seen& h = seen["h{id=\"a\"}"];
  EXPECT_THAT(h.counts, ElementsAre(1u, 3u, 1u, 1u));
  EXPECT_EQ(h.point.point.sum, 567.5);
  EXPECT_THAT(h.native, ElementsAre(1u, 2u, 1u, 1u, 1u));
  EXPECT_THAT(h.exemplars, ElementsAre("", "{trace=\"t\"}", "", ""));
}

TEST_F(SegmentTest, ShowsTheWindowOfASummaryWhileItLasts) {
  Series* series = Get(MakeFamily(*registry_, MetricType::kSummary, "s"), "a");
  for (int i = 0; i < 3; ++i) series->Observe(2.0);
  series->Observe(-1.0);
  auto seen = Read();
  ASSERT_EQ(seen["s{id=\"a\"}"].window.size(), 2u);
  EXPECT_EQ(seen["s{id=\"a\"}"].window[0].bucket, SketchBucketOf(-1.0));
  EXPECT_EQ(seen["s{id=\"a\"}"].window[1].count, 3u);
  EXPECT_EQ(seen["s{id=\"a\"}"].point.point.integer, 4u);
  EXPECT_EQ(seen["s{id=\"a\"}"].point.point.sum, 5.0);
  // Nobody has moved its window on.
  clock_.Advance(std::chrono::seconds(601));
  seen = Read();
  EXPECT_TRUE(seen["s{id=\"a\"}"].window.empty());
  EXPECT_EQ(seen["s{id=\"a\"}"].point.point.integer, 4u);
}

TEST_F(SegmentTest, SaysWhenTheLatestWasSet) {
  Series* series = Get(MakeFamily(*registry_, MetricType::kGauge, "g", ProcessMode::kLatest), "a");
  EXPECT_EQ(Read()["g{id=\"a\"}"].point.stamp_ns, 0);
  series->GaugeSet(3);
  EXPECT_EQ(Read()["g{id=\"a\"}"].point.stamp_ns, clock_.CoarseUnixNanos());
  clock_.Advance(std::chrono::seconds(5));
  series->GaugeAdd(1);
  EXPECT_EQ(Read()["g{id=\"a\"}"].point.stamp_ns, clock_.CoarseUnixNanos());
  EXPECT_EQ(Read()["g{id=\"a\"}"].point.point.value, 4);
}

TEST_F(SegmentTest, FollowsSpreadCellsAndCellsOfTheHost) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* series = Get(family, "a");
  series->CounterInc();
  family->Promote(series);
  for (int i = 0; i < 9; ++i) series->CounterInc();
  uint64_t* cell = family->AddHostCell(series);
  ASSERT_NE(cell, nullptr);
  *cell += 100;
  EXPECT_EQ(Read()["c_total{id=\"a\"}"].point.point.integer, 110u);
  ASSERT_TRUE(family->ReleaseHostCell(series, cell).ok());
  EXPECT_EQ(Read()["c_total{id=\"a\"}"].point.point.integer, 110u);
}

TEST_F(SegmentTest, FollowsSpreadObservations) {
  Family* family = MakeFamily(*registry_, MetricType::kHistogram, "h");
  Series* series = Get(family, "a");
  series->Observe(5);
  family->Promote(series);
  for (const double v : {5., 1000., 0., 50., 1000.}) series->Observe(v);
  auto seen = Read();
  EXPECT_THAT(seen["h{id=\"a\"}"].counts, ElementsAre(1u, 2u, 1u, 2u));
  EXPECT_EQ(seen["h{id=\"a\"}"].point.point.sum, 2060);
}

TEST_F(SegmentTest, DoesNotShowWhatWasRemovedAndShowsWhatComesBack) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* series = Get(family, "a");
  series->CounterAdd(5);
  family->Remove(series);
  EXPECT_TRUE(Read().empty());
  series->CounterInc();
  EXPECT_EQ(Read()["c_total{id=\"a\"}"].point.point.integer, 1u);
}

TEST_F(SegmentTest, AViewFindsFamiliesAndSeriesThatCameLater) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Get(family, "a");
  const std::unique_ptr<SegmentView> view = View();
  EXPECT_EQ(Read(view.get()).size(), 1u);
  Get(family, "b");
  Get(MakeFamily(*registry_, MetricType::kGauge, "g"), "a");
  EXPECT_EQ(Read(view.get()).size(), 3u);
  for (int i = 0; i < 20000; ++i) Get(family, std::to_string(i));
  EXPECT_EQ(Read(view.get()).size(), 20003u);
}

// Families, exemplars and cells of the host stand in lists that begin with the newest, here beyond
// what was mapped.
TEST_F(SegmentTest, AViewFollowsAFileThatGrowsAndLosesNothingWhereItIsGone) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* series = Get(family, "a");
  const auto count = [&] {
    EXPECT_TRUE(family->Apply(series, UpdateOp::kAdd, 1, {"{trace=\"t\"}", 1, 9}).ok());
    *family->AddHostCell(series) += 10;
  };
  const auto grow = [&](std::string_view name) {
    Family* grown = MakeFamily(*registry_, MetricType::kCounter, name);
    const uint64_t bytes = memory_->header()->bytes.load();
    for (int i = 0; memory_->header()->bytes.load() == bytes; ++i) Get(grown, std::to_string(i));
    const Exemplar exemplar = {"{trace=\"t\"}", 1, 9};
    EXPECT_TRUE(family->Apply(Get(family, name), UpdateOp::kAdd, 1, exemplar).ok());
    count();
  };
  count();
  const std::unique_ptr<SegmentView> view = View();
  grow("b_total");
  auto seen = Read(view.get());
  EXPECT_EQ(seen["c_total{id=\"a\"}"].point.point.integer, 22u);
  EXPECT_EQ(seen["c_total{id=\"a\"}"].exemplars.size(), 1u);
  EXPECT_EQ(seen["c_total{id=\"b_total\"}"].exemplars.size(), 1u);
  EXPECT_TRUE(seen.contains("b_total{id=\"0\"}"));
  directory_->Unlink(memory_->uuid());
  grow("d_total");
  seen = Read(view.get());
  EXPECT_EQ(seen["c_total{id=\"a\"}"].point.point.integer, 23u);
  EXPECT_EQ(seen["c_total{id=\"a\"}"].exemplars.size(), 1u);
  EXPECT_TRUE(seen.contains("b_total{id=\"0\"}"));
}

TEST_F(SegmentTest, AFileThatCannotBeOpenedAgainIsAnErrorAndUsesNothing) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Get(family, "a");
  const Result<OwnedFd> fd = directory_->OpenSegment(memory_->uuid());
  const auto view = SegmentView::Map(fd.value().get(), [] {
                      return Result<OwnedFd>(Status(Code::kIo, "EMFILE"));
                    }).value();
  EXPECT_EQ(Read(view.get()).size(), 1u);
  for (int i = 0; i < 5000; ++i) Get(family, std::to_string(i));
  bool used = false;
  const Status status =
      view->ForEach(clock_.Now(), [&](const PartHead&, PartPoints*) { used = true; });
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_FALSE(used);
}

TEST_F(SegmentTest, ManyCellsOfTheHostInOneFamilyAreReadInOneWalk) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  constexpr int kSeries = 50000;
  for (int i = 0; i < kSeries; ++i) *family->AddHostCell(Get(family, std::to_string(i))) += 1;
  uint64_t sum = 0;
  for (const auto& [name, seen] : Read()) sum += seen.point.point.integer;
  // A walk for each of them would use up what a reader may read of lists (LimitedMemory).
  EXPECT_EQ(sum, uint64_t{kSeries});
}

TEST_F(SegmentTest, StaysReadableWhenTheProcessIsGone) {
  Get(MakeFamily(*registry_, MetricType::kCounter, "c_total"), "a")->CounterAdd(7);
  Series* summary = Get(MakeFamily(*registry_, MetricType::kSummary, "s"), "a");
  summary->Observe(1);
  Get(MakeFamily(*registry_, MetricType::kHistogram, "h", ProcessMode::kDefault, 16), "a")
      ->Observe(3);
  const std::unique_ptr<SegmentView> view = View();
  registry_.reset();
  memory_.reset();
  auto seen = Read(view.get());
  EXPECT_EQ(seen["c_total{id=\"a\"}"].point.point.integer, 7u);
  EXPECT_EQ(seen["s{id=\"a\"}"].point.point.integer, 1u);
  EXPECT_EQ(seen["s{id=\"a\"}"].window.size(), 1u);
  EXPECT_THAT(seen["h{id=\"a\"}"].native, ElementsAre(1u));
}

TEST_F(SegmentTest, MemoryOfSummariesThatAreGoneIsUsedAgain) {
  Family* family = MakeFamily(*registry_, MetricType::kSummary, "s");
  uint64_t used = 0;
  for (int i = 0; i < 200; ++i) {
    Series* series = Get(family, "a");
    series->Observe(i);
    family->Unpin(series);
    family->Remove(series);
    for (int k = 0; k < 3; ++k) registry_->Maintain();
    if (i == 100) used = memory_->used_bytes();
  }
  EXPECT_EQ(memory_->used_bytes(), used);
}

TEST_F(SegmentTest, RefusesSeriesWhereTheLimitOfTheSegmentIsReached) {
  registry_.reset();
  memory_ = SegmentMemory::Create(*directory_, 1 << 20, clock_).value();
  registry_ = std::make_unique<Registry>(clock_, nullptr, *memory_);
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Status status;
  for (int i = 0; i < 50000 && status.ok(); ++i) {
    const std::string id = std::to_string(i);
    const std::string_view value = id;
    Series* series = nullptr;
    status = family->FindOrMake(&value, 1, &series);
  }
  EXPECT_EQ(status.code(), Code::kNoMemory) << status.text();
  EXPECT_GT(family->Refused(Family::Refusal::kMemory), 0u);
  EXPECT_TRUE(memory_->TakeShortage());
  EXPECT_FALSE(memory_->TakeShortage());
}

// So that an observation waits neither for the file to grow nor for the copy that a fork takes.
TEST_F(SegmentTest, ASummaryTakesWhatRoomThereIsAndTheRegistryMakesMore) {
  Family* family = MakeFamily(*registry_, MetricType::kSummary, "s");
  Series* series = Get(family, "a");
  const uint64_t bytes = memory_->header()->bytes.load();
  double value = 1;
  uint64_t n = 0;
  for (; n < 1000; ++n, value *= 2) series->Observe(value);
  EXPECT_EQ(memory_->header()->bytes.load(), bytes);
  auto seen = Read();
  EXPECT_EQ(seen["s{id=\"a\"}"].point.point.integer, n);
  const size_t window = seen["s{id=\"a\"}"].window.size();
  EXPECT_GT(window, 50u);
  EXPECT_LT(window, n);
  registry_->Maintain();
  EXPECT_GT(memory_->header()->bytes.load(), bytes);
  series->Observe(value / 2);
  EXPECT_EQ(Read()["s{id=\"a\"}"].window.size(), window + 1);
}

TEST_F(SegmentTest, AnObservationDoesNotWaitForAFork) {
  Family* family = MakeFamily(*registry_, MetricType::kSummary, "s");
  Series* series = Get(family, "a");
  series->Observe(1);
  ASSERT_TRUE(memory_->LockForFork().ok());
  auto observed = std::async(std::launch::async, [series] { series->Observe(1e6); });
  EXPECT_EQ(observed.wait_for(std::chrono::seconds(20)), std::future_status::ready);
  memory_->UnlockAfterFork();
  observed.get();
  auto seen = Read();
  EXPECT_EQ(seen["s{id=\"a\"}"].point.point.integer, 2u);
  EXPECT_EQ(seen["s{id=\"a\"}"].window.size(), 1u);
  series->Observe(1e6);
  EXPECT_EQ(Read()["s{id=\"a\"}"].window.size(), 2u);
}

TEST_F(SegmentTest, AnUpdateCountsWhereThereIsNoRoomForItsExemplar) {
  registry_.reset();
  memory_ = SegmentMemory::Create(*directory_, 1 << 20, clock_).value();
  registry_ = std::make_unique<Registry>(clock_, nullptr, *memory_);
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Series* series = Get(family, "a");
  while (memory_->Allocate(64, 8) != nullptr) {
  }
  const std::string_view value = "a";
  const Exemplar exemplar = {"{trace=\"t\"}", 1, 9};
  EXPECT_TRUE(family->Update(&value, 1, UpdateOp::kAdd, 2, &exemplar).ok());
  EXPECT_TRUE(family->Apply(series, UpdateOp::kAdd, 3, exemplar).ok());
  EXPECT_EQ(registry_->DroppedExemplars(), 2u);
  Point point;
  ASSERT_EQ(family->Read()->Next(&point, 1), 1u);
  EXPECT_EQ(point.integer, 5u);
  EXPECT_EQ(point.n_exemplars, 0u);
}

TEST_F(SegmentTest, IsReadConsistentlyWhileSeriesComeAndGo) {
  Family* family = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  std::atomic<bool> end{false};
  // Labels and values belong together: the value is that of the id, and never another one's.
  std::thread churn([&] {
    for (uint64_t i = 1; !end.load(); ++i) {
      const std::string id = std::to_string(10000 + i % 5000);
      const std::string_view value = id;
      Series* series = nullptr;
      if (!family->FindOrMake(&value, 1, &series).ok()) continue;
      series->CounterAdd(static_cast<double>(10000 + i % 5000));
      family->Unpin(series);
      family->Remove(series);
      registry_->Maintain();
    }
  });
  const std::unique_ptr<SegmentView> view = View();
  // Most of the time there is nothing, or one.
  for (int read = 0; read < 2000;) {
    for (const auto& [name, seen] : Read(view.get())) {
      ++read;
      const std::string id = name.substr(12, 5);
      const uint64_t value = seen.point.point.integer;
      EXPECT_TRUE(value == 0 || std::to_string(value) == id) << name << " " << value;
    }
  }
  end.store(true);
  churn.join();
}

// Any damage to a segment costs what it says, and nothing else.
TEST_F(SegmentTest, DamagedBytesAreLeftOut) {
  Family* counters = MakeFamily(*registry_, MetricType::kCounter, "c_total");
  Family* histograms =
      MakeFamily(*registry_, MetricType::kHistogram, "h", ProcessMode::kDefault, 16);
  Family* summaries = MakeFamily(*registry_, MetricType::kSummary, "s");
  for (int i = 0; i < 20; ++i) {
    const std::string id = std::to_string(i);
    Get(counters, id)->CounterAdd(i);
    Get(histograms, id)->Observe(i);
    Get(summaries, id)->Observe(i);
    ASSERT_TRUE(
        counters->Apply(Get(counters, id), UpdateOp::kAdd, 1, {"{trace=\"t\"}", 1, 9}).ok());
  }
  counters->Promote(Get(counters, "3"));
  histograms->Promote(Get(histograms, "3"));
  ASSERT_NE(counters->AddHostCell(Get(counters, "4")), nullptr);
  const Result<OwnedFd> original = directory_->OpenSegment(memory_->uuid());
  const size_t size = memory_->header()->bytes.load();
  std::string bytes(size, '\0');
  ASSERT_EQ(::pread(original.value().get(), bytes.data(), size, 0), static_cast<ssize_t>(size));
  std::mt19937_64 random(7);
  const std::string path = scratch_ / "damaged";
  for (int round = 0; round < 3000; ++round) {
    std::string damaged = bytes;
    const size_t begin = round % 2 == 0 ? 0 : 64;  // with the header, and without
    for (size_t n = 1 + random() % 8; n > 0; --n) {
      const size_t at = begin + random() % (memory_->used_bytes() - begin - 8);
      const uint64_t word = random() % 3 == 0 ? random() : uint64_t{1} << (random() % 64);
      std::memcpy(damaged.data() + at / 8 * 8, &word, sizeof word);
    }
    const OwnedFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    ASSERT_EQ(::write(fd.get(), damaged.data(), size), static_cast<ssize_t>(size));
    const Result<std::unique_ptr<SegmentView>> view = SegmentView::Map(fd.get());
    if (view.ok()) (void)Read(view.value().get());
  }
}

}  // namespace
}  // namespace promplug
