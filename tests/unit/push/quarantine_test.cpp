// SPDX-License-Identifier: MIT
#include "push/quarantine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Quarantine, HoldsAFamilyOnce) {
  Quarantine quarantine;
  quarantine.BeginPush();
  EXPECT_TRUE(quarantine.IsNew("a"));
  EXPECT_THAT(quarantine.Hold({"a", "b"}), ElementsAre("a", "b"));
  EXPECT_THAT(quarantine.Hold({"a"}), IsEmpty());
  EXPECT_THAT(quarantine.held(), ElementsAre("a", "b"));
  EXPECT_THAT(quarantine.Accepted(), IsEmpty());
}

TEST(Quarantine, TakesEightFamiliesPerPush) {
  Quarantine quarantine;
  quarantine.BeginPush();
  const std::vector<std::string> many = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"};
  EXPECT_EQ(quarantine.Hold(many).size(), 8u);
  EXPECT_THAT(quarantine.Hold({"j"}), IsEmpty());
  quarantine.BeginPush();
  EXPECT_THAT(quarantine.Hold(many), ElementsAre("i", "j"));
}

TEST(Quarantine, LetsAFamilyOutForATrialWithTheTenthPush) {
  Quarantine quarantine;
  quarantine.BeginPush();
  (void)quarantine.Hold({"a"});
  for (int push = 1; push < 10; ++push) {
    quarantine.BeginPush();
    EXPECT_THAT(quarantine.held(), ElementsAre("a"));
    EXPECT_THAT(quarantine.Accepted(), IsEmpty());
  }
  quarantine.BeginPush();
  EXPECT_THAT(quarantine.held(), IsEmpty());
  EXPECT_FALSE(quarantine.IsNew("a"));
  EXPECT_THAT(quarantine.Accepted(), ElementsAre("a"));
  EXPECT_TRUE(quarantine.IsNew("a"));
}

TEST(Quarantine, AFamilyThatFailsItsTrialIsHeldAgain) {
  Quarantine quarantine;
  quarantine.BeginPush();
  (void)quarantine.Hold({"a"});
  for (int push = 1; push <= 10; ++push) quarantine.BeginPush();
  EXPECT_THAT(quarantine.Hold({"a"}), ElementsAre("a"));
  EXPECT_THAT(quarantine.Accepted(), IsEmpty());
  EXPECT_THAT(quarantine.held(), ElementsAre("a"));
}

TEST(Quarantine, NoMoreAreTriedAtOnceThanCanBeTakenBack) {
  Quarantine quarantine;
  for (const char first : {'a', 'b'}) {
    quarantine.BeginPush();
    for (int i = 0; i < 8; ++i) (void)quarantine.Hold({std::string(1, first) + std::to_string(i)});
  }
  size_t fewest = quarantine.held().size();
  EXPECT_EQ(fewest, 16u);
  for (int push = 0; push < 11; ++push) {
    quarantine.BeginPush();
    const std::set<std::string> held = quarantine.held();
    EXPECT_GE(held.size(), 8u);
    if (held.size() < 16) {
      std::vector<std::string> out;
      for (const char first : {'a', 'b'}) {
        for (int i = 0; i < 8; ++i) {
          const std::string name = std::string(1, first) + std::to_string(i);
          if (held.count(name) == 0) out.push_back(name);
        }
      }
      EXPECT_EQ(quarantine.Hold(out).size(), out.size());
    }
  }
}

}  // namespace
}  // namespace promplug
