// SPDX-License-Identifier: MIT
#include "push/backoff.hpp"

#include <gtest/gtest.h>

namespace promplug {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kNow{std::chrono::hours(5)};

TEST(Backoff, DoublesAndIsTakenBetweenHalfAndTheWhole) {
  EXPECT_EQ(Backoff(1, 0), milliseconds(500));
  EXPECT_EQ(Backoff(1, 0.5), milliseconds(750));
  EXPECT_EQ(Backoff(2, 0), seconds(1));
  EXPECT_EQ(Backoff(4, 0), seconds(4));
  EXPECT_EQ(Backoff(1000, 0), seconds(32));
}

TEST(Backoff, AnAttemptThatWouldComeTooLateIsNotMade) {
  EXPECT_EQ(NextAttempt(kNow, kNow + seconds(10), 1, 0, -1), kNow + milliseconds(500));
  EXPECT_EQ(NextAttempt(kNow, kNow + milliseconds(500), 1, 0, -1), std::nullopt);
}

TEST(Backoff, WhatTheServerAskedForIsWaitedFor) {
  EXPECT_EQ(NextAttempt(kNow, kNow + seconds(10), 1, 0, 7), kNow + seconds(7));
  EXPECT_EQ(NextAttempt(kNow, kNow + seconds(10), 4, 0, 1), kNow + seconds(4));
  EXPECT_EQ(NextAttempt(kNow, kNow + seconds(10), 1, 0, INT64_MAX), std::nullopt);
}

TEST(Backoff, JitterLiesBelowOneAndDiffersBetweenSeeds) {
  Jitter a(1);
  Jitter b(2);
  double lowest = 1;
  double highest = 0;
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const double x = a.Next();
    if (x == b.Next()) ++equal;
    lowest = std::min(lowest, x);
    highest = std::max(highest, x);
  }
  EXPECT_EQ(equal, 0);
  EXPECT_GE(lowest, 0);
  EXPECT_LT(lowest, 0.05);
  EXPECT_LT(highest, 1);
  EXPECT_GT(highest, 0.95);
}

}  // namespace
}  // namespace promplug
