// SPDX-License-Identifier: MIT
#include "metrics/stripes.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace promplug {
namespace {

TEST(StripesTest, EveryCpuFindsACellOfItsOwnByTheRoute) {
  for (const size_t words : {1u, 2u, 14u, 16u, 17u, 100u, 1026u}) {
    for (const uint32_t cpus : {1u, 2u, 3u, 16u, 64u}) {
      SCOPED_TRACE(testing::Message() << words << " words, " << cpus << " CPUs");
      Stripes* stripes = Stripes::Make(words, cpus, MetricMemory::Heap());
      ASSERT_NE(stripes, nullptr);
      const uintptr_t route = stripes->route();
      EXPECT_EQ(Stripes::Of(route | 7), stripes) << "the lower bits are the user's";
      EXPECT_EQ(stripes->count(), cpus == 3 ? 4u : std::min(cpus, Stripes::kMax));
      std::set<Word*> cells;
      for (uint32_t cpu = 0; cpu < stripes->count(); ++cpu) {
        Word* const cell = Stripes::CellFor(route | 7, cpu);
        EXPECT_EQ(cell, stripes->Cell(cpu));
        EXPECT_EQ(cell, Stripes::CellFor(route, cpu + stripes->count() * 5));
        // Whatever is written into one cell, to its end, is not seen in another.
        for (size_t i = 0; i < words; ++i) EXPECT_EQ(cell[i].exchange(cpu + 1), 0u);
        cells.insert(cell);
      }
      EXPECT_EQ(cells.size(), stripes->count());
      Stripes::Free(stripes, MetricMemory::Heap());
    }
  }
  EXPECT_EQ(Stripes::Of(0), nullptr);
  EXPECT_EQ(Stripes::Of(7), nullptr);
}

}  // namespace
}  // namespace promplug
