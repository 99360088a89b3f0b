// SPDX-License-Identifier: MIT
// An update that meets the removal of its series, a scrape that meets that of a cell of the host;
// meant for the thread sanitizer as well.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "metrics/registry.hpp"

namespace promplug {
namespace {

constexpr int kRounds = 2000;
constexpr int kWriters = 2;

class RemovalRaceTest : public ::testing::Test {
 protected:
  RemovalRaceTest() {
    FamilyDescription description;
    description.name = "c_total";
    family_ = registry_.FindOrMake(description).value();
  }

  // What is exposed; 0: no series is.
  uint64_t Exposed() {
    Point points[2];
    const size_t n = family_->Read()->Next(points, 2);
    EXPECT_LE(n, 1u);
    return n == 0 ? 0 : points[0].integer;
  }

  // Removes the series while writers count; each goes on until it knows that the removal is done,
  // and counts once more. What is exposed then.
  template <typename Count>
  uint64_t Race(const Count& count, std::atomic<uint64_t>* counted) {
    std::atomic<bool> removed{false};
    std::vector<std::thread> writers;
    for (int w = 0; w < kWriters; ++w) {
      writers.emplace_back([&] {
        for (bool last = false; !last;) {
          last = removed.load();
          count();
          counted->fetch_add(1);
        }
      });
    }
    EXPECT_LE(family_->RemoveMatching(nullptr, 0), 1u);
    removed.store(true);
    for (std::thread& writer : writers) writer.join();
    const uint64_t exposed = Exposed();
    registry_.Maintain();
    return exposed;
  }

  Registry registry_{Clock::Real()};
  Family* family_ = nullptr;
};

TEST_F(RemovalRaceTest, WhatIsCountedThroughAHandleAfterARemovalIsExposed) {
  Series* series = nullptr;
  ASSERT_TRUE(family_->FindOrMake(nullptr, 0, &series).ok());
  uint64_t before = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::atomic<uint64_t> counted{0};
    const uint64_t exposed = Race([&] { series->CounterInc(); }, &counted);
    ASSERT_GE(exposed, uint64_t{kWriters});
    ASSERT_LE(exposed, before + counted.load());
    before = exposed;
  }
  family_->Unpin(series);
}

TEST_F(RemovalRaceTest, WhatIsCountedByLookUpAfterARemovalIsExposed) {
  uint64_t before = 0;
  for (int i = 0; i < kRounds; ++i) {
    std::atomic<uint64_t> counted{0};
    const auto count = [&] { ASSERT_TRUE(family_->Update(nullptr, 0, UpdateOp::kAdd, 1).ok()); };
    const uint64_t exposed = Race(count, &counted);
    ASSERT_GE(exposed, uint64_t{kWriters});
    ASSERT_LE(exposed, before + counted.load());
    before = exposed;
  }
  EXPECT_EQ(registry_.RefusedSeries(), 0u);
}

TEST_F(RemovalRaceTest, AScrapeNeverSaysLessThanOneBeforeWhileCellsOfTheHostGo) {
  constexpr int kCells = 50'000;
  Series* series = nullptr;
  ASSERT_TRUE(family_->FindOrMake(nullptr, 0, &series).ok());
  std::atomic<uint64_t> scrapes{0};
  std::atomic<bool> ended{false};
  std::thread host([&] {
    for (int i = 0; i < kCells; ++i) {
      uint64_t* cell = family_->AddHostCell(series);
      std::atomic_ref(*cell).fetch_add(1);
      EXPECT_TRUE(family_->ReleaseHostCell(series, cell).ok());
      // The scrape that was under way ends, and one says what is there before it grows again.
      const uint64_t wanted = scrapes.load() + 2;
      while (scrapes.load() < wanted) std::this_thread::yield();
    }
    ended.store(true);
  });
  for (uint64_t before = 0; !ended.load();) {
    const uint64_t exposed = Exposed();
    EXPECT_GE(exposed, before);
    before = exposed;
    scrapes.fetch_add(1);
  }
  host.join();
  EXPECT_EQ(Exposed(), uint64_t{kCells});
  family_->Unpin(series);
}

}  // namespace
}  // namespace promplug
