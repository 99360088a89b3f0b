// SPDX-License-Identifier: MIT
#include "push/push_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "push/schedule.hpp"
#include "support/manual_clock.hpp"
#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::Answer;
using test::Block;
using test::Fail;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// The thread is real, time moves by hand, the gateway is a script. There are no exporters but where
// a test adds one.
class PushLoopTest : public ::testing::Test {
 protected:
  PushLoopTest() { config_.pushgateway.interval_seconds = 30; }

  void MakeLoop() {
    loop_ = std::make_unique<PushLoop>(config_, gatherer_, nullptr, log_, clock_, [this] {
      return Result<std::unique_ptr<HttpClient>>(std::make_unique<test::ScriptedClient>(&wire_));
    });
  }
  void StartLoop() {
    MakeLoop();
    ASSERT_TRUE(loop_->Start().ok());
    ASSERT_TRUE(clock_.WaitForSleepers(1));
  }
  // Moves time until n requests have come.
  void RunUntilRequests(size_t n) {
    for (int i = 0; i < 300 && wire_.seen().size() < n; ++i) {
      ASSERT_TRUE(clock_.WaitForSleepers(1));
      clock_.Advance(seconds(1));
      // The thread sleeps again once it has done what was due.
      ASSERT_TRUE(clock_.WaitForSleepers(1));
    }
    ASSERT_TRUE(wire_.WaitForRequests(n));
  }
  std::vector<std::string> Methods() const {
    std::vector<std::string> methods;
    for (const auto& seen : wire_.seen()) methods.push_back(seen.method);
    return methods;
  }

  Config config_ = test::PushConfig();
  test::ManualClock clock_;
  test::LogLines lines_;
  Log log_{lines_.Sink()};
  test::FakeGatherer gatherer_;
  test::Wire wire_;
  std::unique_ptr<PushLoop> loop_;
};

TEST_F(PushLoopTest, PushesSoonAfterStartAndThenOnItsGrid) {
  const Duration phase = PhaseOf("10.0.0.5", seconds(30));
  const TimePoint start = clock_.Now();
  StartLoop();
  EXPECT_THAT(wire_.seen(), IsEmpty());
  clock_.Advance(FirstPush(start, seconds(30), phase) - clock_.Now());
  ASSERT_TRUE(wire_.WaitForRequests(1));
  EXPECT_EQ(wire_.seen()[0].url, "http://gateway:9091/metrics/job/photo-api/instance/10.0.0.5");
  for (size_t n = 2; n < 5; ++n) {
    ASSERT_TRUE(clock_.WaitForSleepers(1));
    const TimePoint next = NextPush(start, seconds(30), phase, clock_.Now());
    clock_.Advance(next - clock_.Now() - milliseconds(1));
    EXPECT_EQ(wire_.seen().size(), n - 1);
    clock_.Advance(milliseconds(1));
    ASSERT_TRUE(wire_.WaitForRequests(n));
  }
}

TEST_F(PushLoopTest, TicksThatWereMissedAreSkipped) {
  StartLoop();
  clock_.Advance(seconds(301));
  ASSERT_TRUE(wire_.WaitForRequests(1));
  ASSERT_TRUE(loop_->PushNow(kPushApplication, seconds(5)).ok());
  EXPECT_EQ(wire_.seen().size(), 2u);
}

TEST_F(PushLoopTest, PushNowPushesAndTellsWhatBecameOfIt) {
  StartLoop();
  EXPECT_TRUE(loop_->PushNow(kPushApplication, seconds(5)).ok());
  EXPECT_EQ(loop_->last_error(), "");
  wire_.Script(Answer(404));
  const Status status = loop_->PushNow(kPushApplication, seconds(5));
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(status.text(), HasSubstr("404"));
  EXPECT_THAT(loop_->last_error(), HasSubstr("404"));
  EXPECT_TRUE(loop_->PushNow(kPushApplication | kPushForwards, seconds(5)).ok());
  EXPECT_EQ(loop_->last_error(), "");
}

TEST_F(PushLoopTest, PushNowDoesNotWaitForLongerThanItsTimeout) {
  StartLoop();
  wire_.Script(Block());
  Status status;
  std::thread caller([&] { status = loop_->PushNow(kPushApplication, seconds(5)); });
  ASSERT_TRUE(wire_.WaitForRequests(1));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(seconds(5));
  caller.join();
  EXPECT_EQ(status.code(), Code::kTimeout);
}

TEST_F(PushLoopTest, PushNowNeedsARunningLoop) {
  MakeLoop();
  EXPECT_EQ(loop_->PushNow(kPushApplication, seconds(1)).code(), Code::kState);
  ASSERT_TRUE(loop_->Start().ok());
  EXPECT_EQ(loop_->Start().code(), Code::kState);
  ASSERT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kNothing).ok());
  EXPECT_EQ(loop_->PushNow(kPushApplication, seconds(1)).code(), Code::kState);
}

TEST_F(PushLoopTest, StopDoesWhatIsConfigured) {
  const auto stopped = [this](OnStop on_stop) {
    const size_t before = wire_.seen().size();
    StartLoop();
    EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), on_stop).ok());
    EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), on_stop).ok());
    std::vector<std::string> methods = Methods();
    methods.erase(methods.begin(), methods.begin() + static_cast<ptrdiff_t>(before));
    return methods;
  };
  EXPECT_THAT(stopped(OnStop::kPush), ElementsAre("PUT"));
  EXPECT_THAT(stopped(OnStop::kDelete), ElementsAre("DELETE"));
  EXPECT_THAT(stopped(OnStop::kNothing), IsEmpty());
  EXPECT_EQ(wire_.clients(), 0);
}

TEST_F(PushLoopTest, TheLastPushIsTriedOnce) {
  StartLoop();
  wire_.SetDefault(Fail(Code::kNotFound));
  EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kPush).ok());
  EXPECT_EQ(wire_.seen().size(), 1u);
}

TEST_F(PushLoopTest, StopEndsAnExchangeUnderWayAndStillPushes) {
  StartLoop();
  wire_.Script(Block());
  clock_.Advance(seconds(5));
  ASSERT_TRUE(wire_.WaitForRequests(1));
  std::thread stopper(
      [&] { EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kPush).ok()); });
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(milliseconds(300));
  stopper.join();
  EXPECT_THAT(Methods(), ElementsAre("PUT", "PUT"));
}

TEST_F(PushLoopTest, StopIsBoundedWhenTheLastPushHangs) {
  StartLoop();
  wire_.SetDefault(Block());
  std::thread stopper(
      [&] { EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kPush).ok()); });
  ASSERT_TRUE(wire_.WaitForRequests(1));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(seconds(5));
  stopper.join();
  EXPECT_THAT(lines_.Take(), Contains(HasSubstr("the last push of the application did not end")));
}

TEST_F(PushLoopTest, StopDoesNotWaitForACollector) {
  gatherer_.hold = true;
  StartLoop();
  clock_.Advance(seconds(5));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kNothing).ok());
  EXPECT_THAT(wire_.seen(), IsEmpty());
}

TEST_F(PushLoopTest, TheDestructorEndsAHangingPush) {
  StartLoop();
  wire_.Script(Block());
  clock_.Advance(seconds(5));
  ASSERT_TRUE(wire_.WaitForRequests(1));
  loop_.reset();
  EXPECT_THAT(Methods(), ElementsAre("PUT"));
}

TEST_F(PushLoopTest, WhileParkedThereIsNoThreadAndNoConnection) {
  StartLoop();
  ASSERT_TRUE(loop_->PushNow(kPushApplication, seconds(5)).ok());
  ASSERT_TRUE(loop_->Park().ok());
  EXPECT_EQ(wire_.clients(), 0);
  clock_.Advance(seconds(60));
  EXPECT_EQ(wire_.seen().size(), 1u);
  ASSERT_TRUE(loop_->Unpark().ok());
  ASSERT_TRUE(wire_.WaitForRequests(2));
  EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kNothing).ok());
}

TEST_F(PushLoopTest, APushThatParkingInterruptedIsRedone) {
  StartLoop();
  wire_.Script(Block());
  clock_.Advance(seconds(5));
  ASSERT_TRUE(wire_.WaitForRequests(1));
  std::thread parker([&] { EXPECT_TRUE(loop_->Park().ok()); });
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(milliseconds(300));
  parker.join();
  ASSERT_TRUE(loop_->Unpark().ok());
  ASSERT_TRUE(wire_.WaitForRequests(2));
}

TEST_F(PushLoopTest, StopsWhileParked) {
  StartLoop();
  ASSERT_TRUE(loop_->Park().ok());
  EXPECT_TRUE(loop_->Stop(clock_.Now() + seconds(5), OnStop::kNothing).ok());
}

TEST_F(PushLoopTest, PeaceThatTheGatewayAsksForIsKept) {
  StartLoop();
  test::Exchange busy = Answer(503);
  busy.response.retry_after_seconds = 100;
  wire_.Script(busy);
  clock_.Advance(seconds(5));
  ASSERT_TRUE(wire_.WaitForRequests(1));
  ASSERT_TRUE(clock_.WaitForSleepers(1));
  clock_.Advance(seconds(95));
  // A push that is asked for is made, and shows that the thread has seen the time.
  ASSERT_TRUE(loop_->PushNow(kPushApplication, seconds(5)).ok());
  EXPECT_EQ(wire_.seen().size(), 2u);
  RunUntilRequests(3);
}

TEST_F(PushLoopTest, WhenTheGatewayIsAwayTheOthersGetOneShortAttempt) {
  ForwardConfig exporter;
  exporter.job = "node_exporter";
  exporter.url = "http://127.0.0.1:9100/metrics";
  config_.forward = {exporter};
  config_.pushgateway.timeout_seconds = 0.4;  // no time for a second attempt
  wire_.SetDefault(Fail(Code::kTimeout));
  wire_.SetGet(Answer(200, "n 1\n"));
  StartLoop();
  const Status status = loop_->PushNow(kPushApplication | kPushForwards, seconds(60));
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(Methods(), ElementsAre("PUT", "GET", "PUT"));
  EXPECT_EQ(wire_.seen().back().body, "n 1\n");
  EXPECT_LE(wire_.seen().back().timeout, seconds(2));
}

TEST_F(PushLoopTest, StartRefusesAGroupThatWouldPoisonTheGateway) {
  config_.pushgateway.instance = "\xff";
  MakeLoop();
  EXPECT_EQ(loop_->Start().code(), Code::kInvalid);
  EXPECT_TRUE(loop_->Stop(clock_.Now(), OnStop::kPush).ok());
  EXPECT_THAT(wire_.seen(), IsEmpty());
}

TEST_F(PushLoopTest, StartSaysWhyThereIsNoClient) {
  loop_ = std::make_unique<PushLoop>(config_, gatherer_, nullptr, log_, clock_, [] {
    return Result<std::unique_ptr<HttpClient>>(Status(Code::kIo, "install libcurl4"));
  });
  const Status status = loop_->Start();
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_EQ(status.text(), "install libcurl4");
}

TEST_F(PushLoopTest, AnAbandonedLoopIsForgottenWithoutBeingTouched) {
  StartLoop();
  wire_.SetDefault(Block());
  clock_.Advance(seconds(5));
  ASSERT_TRUE(wire_.WaitForRequests(1));
  const pid_t child = ::fork();
  if (child == 0) {
    loop_->AbandonAfterFork();
    loop_.reset();
    ::_exit(0);
  }
  int how = -1;
  ASSERT_EQ(::waitpid(child, &how, 0), child);
  EXPECT_EQ(how, 0);
}

}  // namespace
}  // namespace promplug
