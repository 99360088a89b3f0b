// SPDX-License-Identifier: MIT
#include "push/schedule.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace promplug {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{std::chrono::hours(5)};

TEST(Schedule, ThePhaseIsTheSameForTheSameInstanceAndBelowTheInterval) {
  for (const char* instance : {"10.0.0.5", "10.0.0.6", "a", ""}) {
    const Duration phase = PhaseOf(instance, seconds(30));
    EXPECT_EQ(phase, PhaseOf(instance, seconds(30)));
    EXPECT_GE(phase, Duration::zero());
    EXPECT_LT(phase, seconds(30));
  }
}

TEST(Schedule, AFleetSpreadsOverTheWholeInterval) {
  std::array<int, 10> tenths{};
  for (int i = 0; i < 1000; ++i) {
    const std::string instance = "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
    ++tenths[static_cast<size_t>(PhaseOf(instance, seconds(30)) / seconds(3))];
  }
  for (const int in_tenth : tenths) {
    EXPECT_GT(in_tenth, 60);
    EXPECT_LT(in_tenth, 140);
  }
}

TEST(Schedule, TheFirstPushComesWithinFiveSeconds) {
  EXPECT_EQ(FirstPush(kStart, seconds(30), seconds(0)), kStart);
  EXPECT_EQ(FirstPush(kStart, seconds(30), seconds(15)), kStart + milliseconds(2500));
  EXPECT_LT(FirstPush(kStart, seconds(30), seconds(29)), kStart + seconds(5));
  EXPECT_EQ(FirstPush(kStart, seconds(2), seconds(1)), kStart + seconds(1));
}

TEST(Schedule, PushesLieOnTheGridAndMissedOnesAreSkipped) {
  const auto next = [](Duration after_start) {
    return NextPush(kStart, seconds(30), seconds(10), kStart + after_start) - kStart;
  };
  EXPECT_EQ(next(seconds(0)), seconds(10));
  EXPECT_EQ(next(seconds(10)), seconds(40));
  EXPECT_EQ(next(seconds(39)), seconds(40));
  EXPECT_EQ(next(seconds(40)), seconds(70));
  EXPECT_EQ(next(seconds(201)), seconds(220));
}

}  // namespace
}  // namespace promplug
