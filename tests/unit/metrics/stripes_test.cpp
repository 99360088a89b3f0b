// SPDX-License-Identifier: MIT
#include "metrics/stripes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace promplug {
namespace {

// Both kinds, of every shape.
TEST(StripesTest, EveryCpuFindsACellOfItsOwn) {
  for (const size_t words : {1u, 2u, 14u, 16u, 17u, 100u, 1026u, 2050u}) {
    for (const uint32_t cpus : {1u, 2u, 3u, 16u, 64u, 128u}) {
      for (const bool exclusive : {false, true}) {
        SCOPED_TRACE(testing::Message() << words << " words, " << cpus << " CPUs, " << exclusive);
        Stripes* stripes = Stripes::Make(words, cpus, exclusive, MetricMemory::Heap());
        ASSERT_NE(stripes, nullptr);
        const uint32_t most = exclusive ? Stripes::kMaxExclusive : Stripes::kMax;
        EXPECT_EQ(stripes->count(), cpus == 3 ? 4u : std::min(cpus, most));
        const Stripes::Layout layout = Stripes::LayoutOf(*stripes);
        EXPECT_EQ(layout.count, stripes->count());
        std::set<Word*> cells;
        for (uint32_t cpu = 0; cpu < stripes->count(); ++cpu) {
          Word* const cell = stripes->Cell(cpu);
          EXPECT_EQ(reinterpret_cast<char*>(cell),
                    reinterpret_cast<char*>(stripes) + layout.OffsetOf(cpu));
          // Whatever is written into one cell, to its end, is not seen in another.
          for (size_t i = 0; i < words; ++i) EXPECT_EQ(cell[i].exchange(cpu + 1), 0u);
          cells.insert(cell);
        }
        EXPECT_EQ(cells.size(), stripes->count());
        Stripes::Free(stripes, MetricMemory::Heap());
      }
    }
  }
}

TEST(StripesTest, TheRouteSaysOfWhichKindTheyAreAndIsTheUsersInItsLowestBits) {
  Stripes* shared = Stripes::Make(2, 4, false, MetricMemory::Heap());
  Stripes* exclusive = Stripes::Make(2, 4, true, MetricMemory::Heap());
  for (uintptr_t mark = 0; mark < Stripes::kExclusive; ++mark) {
    EXPECT_EQ(Stripes::Of(mark), nullptr);
    EXPECT_EQ(Stripes::Of(shared->route() | mark), shared);
    EXPECT_EQ(Stripes::Of(exclusive->route() | mark), exclusive);
    EXPECT_FALSE(Stripes::IsExclusive(mark));
    EXPECT_FALSE(Stripes::IsExclusive(shared->route() | mark));
    EXPECT_TRUE(Stripes::IsExclusive(exclusive->route() | mark));
    EXPECT_FALSE(Stripes::IsOpenExclusive(mark));
    EXPECT_FALSE(Stripes::IsOpenExclusive(shared->route() | mark));
    EXPECT_EQ(Stripes::IsOpenExclusive(exclusive->route() | mark), mark == 0);
    for (uint32_t cpu = 0; cpu < 20; ++cpu) {
      EXPECT_EQ(Stripes::CellFor(shared->route() | mark, cpu), shared->Cell(cpu % 4));
    }
  }
  Stripes::Free(shared, MetricMemory::Heap());
  Stripes::Free(exclusive, MetricMemory::Heap());
}

}  // namespace
}  // namespace promplug
