// SPDX-License-Identifier: MIT
#include "push/application_push.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;
using test::Answer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class ApplicationPushTest : public ::testing::Test {
 protected:
  test::PushBench bench_;
  test::FakeGatherer gatherer_;
  ApplicationPush push_{bench_.tools, "/metrics/job/photo-api/instance/i", gatherer_};
};

TEST_F(ApplicationPushTest, PushesWhatIsGathered) {
  EXPECT_TRUE(push_.Push(bench_.Budget()).ok());
  const test::SeenRequest seen = bench_.wire.seen().at(0);
  EXPECT_EQ(seen.url, "http://gateway:9091/metrics/job/photo-api/instance/i");
  EXPECT_EQ(seen.body, "# TYPE app_a gauge\napp_a 1\n# TYPE app_b gauge\napp_b 1\n");
}

TEST_F(ApplicationPushTest, AsksTheSourcesThatAreOnForHalfOfItsTime) {
  EXPECT_TRUE(push_.Push(bench_.Budget()).ok());
  bench_.config.process_metrics = false;
  bench_.config.self_metrics = false;
  EXPECT_TRUE(push_.Push(bench_.Budget(seconds(1))).ok());
  EXPECT_EQ(gatherer_.requests().at(0).sources, kGatherAll);
  EXPECT_EQ(gatherer_.requests().at(0).deadline, bench_.clock.Now() + seconds(5));
  EXPECT_EQ(gatherer_.requests().at(1).sources, kGatherInstruments | kGatherCollectors);
  EXPECT_EQ(gatherer_.requests().at(1).deadline,
            bench_.clock.Now() + std::chrono::milliseconds(500));
}

TEST_F(ApplicationPushTest, LeavesOutARefusedFamily) {
  bench_.wire.Script(
      Answer(400,
             "pushed metrics are invalid or inconsistent with existing metrics: collected metric "
             "\"app_a\" { gauge:<value:1 > } is not a COUNTER\n"));
  EXPECT_TRUE(push_.Push(bench_.Budget()).ok());
  EXPECT_THAT(bench_.wire.seen().at(1).body, Not(HasSubstr("app_a")));
  EXPECT_THAT(bench_.wire.seen().at(1).body, HasSubstr("app_b 1\n"));
}

TEST_F(ApplicationPushTest, SaysFailureAndRecovery) {
  bench_.wire.Script(Answer(404));
  EXPECT_FALSE(push_.Push(bench_.Budget()).ok());
  EXPECT_TRUE(push_.Push(bench_.Budget()).ok());
  EXPECT_THAT(bench_.lines.Take(),
              ElementsAre(HasSubstr("warning push of the application failed: status 404"),
                          HasSubstr("info push of the application works again")));
}

TEST_F(ApplicationPushTest, AnInterruptEndsTheWaitForCollectors) {
  gatherer_.hold = true;
  bench_.interruption.Interrupt();
  EXPECT_TRUE(push_.Push(bench_.Budget()).cancelled);
  EXPECT_THAT(bench_.wire.seen(), IsEmpty());
  EXPECT_THAT(bench_.lines.Take(), IsEmpty());
}

}  // namespace
}  // namespace promplug
