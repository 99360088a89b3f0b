// SPDX-License-Identifier: MIT
#include "push/push_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class PushLogTest : public ::testing::Test {
 protected:
  test::SkippingClock clock_;
  test::LogLines lines_;
  Log log_{lines_.Sink()};
  PushLog push_log_{log_, clock_, "push of x"};
};

TEST_F(PushLogTest, SuccessIsNotWorthALine) {
  push_log_.Worked();
  EXPECT_THAT(lines_.Take(), IsEmpty());
}

TEST_F(PushLogTest, SaysTheFirstFailureAndTheRecovery) {
  push_log_.Failed("timeout", "no answer");
  push_log_.Failed("timeout", "no answer");
  EXPECT_THAT(lines_.Take(), ElementsAre("warning push of x failed: no answer"));
  push_log_.Worked();
  push_log_.Worked();
  EXPECT_THAT(lines_.Take(), ElementsAre("info push of x works again, after 2 failures"));
  push_log_.Failed("timeout", "no answer");
  EXPECT_THAT(lines_.Take(), ElementsAre("warning push of x failed: no answer"));
}

TEST_F(PushLogTest, SaysALastingFailureEachTenMinutes) {
  push_log_.Failed("timeout", "no answer");
  (void)lines_.Take();
  for (int i = 0; i < 40; ++i) {
    clock_.Advance(std::chrono::seconds(30));
    push_log_.Failed("timeout", "no answer");
  }
  EXPECT_THAT(lines_.Take(), ElementsAre("warning push of x failed 21 times in a row: no answer",
                                         "warning push of x failed 41 times in a row: no answer"));
}

TEST_F(PushLogTest, SaysEachWayOfFailingOnce) {
  push_log_.Failed("timeout", "no answer");
  push_log_.Failed("refused", "status 400");
  push_log_.Failed("timeout", "no answer");
  EXPECT_THAT(lines_.Take(), ElementsAre("warning push of x failed: no answer",
                                         "warning push of x failed 2 times in a row: status 400"));
}

}  // namespace
}  // namespace promplug
