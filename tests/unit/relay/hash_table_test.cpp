// SPDX-License-Identifier: MIT
#include "relay/hash_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace promplug {
namespace {

TEST(WordTableTest, FindsWhatWasInsertedAndNothingElse) {
  WordTable table(~uint64_t{0});
  std::mt19937_64 random(7);
  std::set<uint64_t> words;
  for (int i = 0; i < 20000; ++i) {
    const uint64_t word = random() | 1;
    EXPECT_EQ(table.Insert(word), words.insert(word).second);
  }
  for (const uint64_t word : words) {
    EXPECT_FALSE(table.Insert(word));
    ASSERT_NE(table.Find(word), nullptr);
    EXPECT_EQ(*table.Find(word), word);
  }
  for (int i = 0; i < 20000; ++i) {
    const uint64_t word = random() | 1;
    EXPECT_EQ(table.Find(word) != nullptr, words.count(word) == 1);
  }
}

TEST(WordTableTest, HoldsWordsThatWantTheSameSlot) {
  WordTable table(~uint64_t{0});
  for (uint64_t low = 1; low < 200; ++low) EXPECT_TRUE(table.Insert((uint64_t{~0u} << 32) | low));
  for (uint64_t low = 1; low < 200; ++low) EXPECT_FALSE(table.Insert((uint64_t{~0u} << 32) | low));
}

TEST(WordTableTest, ComparesTheBitsOfTheIdentityOnlyAndKeepsTheOthers) {
  WordTable table(~uint64_t{0xFF});
  EXPECT_TRUE(table.Insert(0x12345600 | 7));
  EXPECT_FALSE(table.Insert(0x12345600 | 9));
  uint64_t* const word = table.Find(0x12345600);
  ASSERT_NE(word, nullptr);
  EXPECT_EQ(*word & 0xFF, 7u);
  *word |= 8;
  EXPECT_EQ(*table.Find(0x123456FF) & 0xFF, 15u);
}

TEST(WordTableTest, IsEmptyAfterClearWhetherItWasSmallOrLarge) {
  WordTable table(~uint64_t{0});
  std::mt19937_64 random(8);
  for (const int count : {3, 1000, 20000}) {
    std::set<uint64_t> words;
    while (static_cast<int>(words.size()) < count) words.insert(random() | 1);
    for (const uint64_t word : words) EXPECT_TRUE(table.Insert(word));
    table.Clear();
    for (const uint64_t word : words) EXPECT_EQ(table.Find(word), nullptr);
  }
}

TEST(SeriesSetTest, KnowsWhatItHasWhetherFewOrMany) {
  SeenSeries set;
  for (const uint64_t count : {1, 16, 17, 18, 1000, 5}) {
    for (uint64_t i = 0; i < count; ++i) EXPECT_TRUE(set.Insert(i * 0x9E3779B97F4A7C15u)) << i;
    for (uint64_t i = 0; i < count; ++i) EXPECT_FALSE(set.Insert(i * 0x9E3779B97F4A7C15u)) << i;
    set.Clear();
  }
}

}  // namespace
}  // namespace promplug
