// SPDX-License-Identifier: MIT
#include "push/delivery.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;
using test::Answer;
using test::Fail;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Refuse(const std::string& family) {
  return "pushed metrics are invalid or inconsistent with existing metrics: gathered metric "
         "family " +
         family + " has type COUNTER but should have GAUGE\n";
}

class DeliveryTest : public ::testing::Test {
 protected:
  PushOutcome Push(bool retry = true) {
    return delivery_.Push(
        [this](const std::set<std::string>& exclude, Status* why) -> std::unique_ptr<StagedBody> {
          ++staged_;
          if (!stage_failure_.ok()) {
            *why = stage_failure_;
            return nullptr;
          }
          auto body = std::make_unique<StagedBody>(StagedBody::Sent::kGzip);
          for (const std::string& family : families_) {
            const bool wanted = exclude.count(family) == 0;
            EXPECT_TRUE(!wanted || body->Write(family + " 1\n"));
          }
          EXPECT_TRUE(body->Finish());
          return body;
        },
        {bench_.clock.Now() + seconds(10), seconds(10), retry});
  }

  test::PushBench bench_;
  Delivery delivery_{bench_.tools, "application", "/metrics/job/j"};
  std::vector<std::string> families_ = {"a", "b"};
  Status stage_failure_;
  int staged_ = 0;
};

TEST_F(DeliveryTest, SendsWhatWasStaged) {
  const PushOutcome outcome = Push();
  EXPECT_TRUE(outcome.ok());
  EXPECT_GT(outcome.body_bytes, 0u);
  EXPECT_EQ(bench_.wire.seen().at(0).body, "a 1\nb 1\n");
  EXPECT_EQ(bench_.self.counts().pushes_ok.load(), 1u);
}

TEST_F(DeliveryTest, SendsNothingWhenStagingFails) {
  stage_failure_ = Status(Code::kLimit, "too large");
  const PushOutcome outcome = Push();
  EXPECT_FALSE(outcome.ok());
  EXPECT_FALSE(outcome.staged);
  EXPECT_EQ(outcome.text, "too large");
  EXPECT_THAT(bench_.wire.seen(), IsEmpty());
}

TEST_F(DeliveryTest, TriesAgainAfterAWhileUntilItWorks) {
  bench_.wire.Script(Fail(Code::kNotFound));
  bench_.wire.Script(Answer(503));
  const TimePoint begin = bench_.clock.Now();
  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.wire.seen().size(), 3u);
  EXPECT_EQ(staged_, 1);
  const Duration took = bench_.clock.Now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(1500));
  EXPECT_LE(took, seconds(3));
}

TEST_F(DeliveryTest, GivesUpWithinTheTimeoutOfTheWholePush) {
  bench_.wire.SetDefault(Fail(Code::kNotFound, "refused"));
  const TimePoint begin = bench_.clock.Now();
  const PushOutcome outcome = Push();
  EXPECT_EQ(outcome.result, PushResult::kUnreachable);
  EXPECT_LT(bench_.clock.Now() - begin, seconds(10));
  const size_t attempts = bench_.wire.seen().size();
  EXPECT_GE(attempts, 3u);
  EXPECT_LE(attempts, 5u);
  EXPECT_LT(bench_.wire.seen().back().timeout, seconds(10));
  EXPECT_EQ(bench_.self.counts().pushes_failed.load(), 1u);
}

TEST_F(DeliveryTest, TriesOnceWhereToldSo) {
  bench_.wire.SetDefault(Fail(Code::kNotFound));
  EXPECT_FALSE(Push(false).ok());
  EXPECT_EQ(bench_.wire.seen().size(), 1u);
}

TEST_F(DeliveryTest, WaitsAsLongAsTheServerAsksFor) {
  test::Exchange busy = Answer(429);
  busy.response.retry_after_seconds = 6;
  bench_.wire.Script(busy);
  const TimePoint begin = bench_.clock.Now();
  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.clock.Now() - begin, seconds(6));

  busy.response.retry_after_seconds = 60;
  bench_.wire.Script(busy);
  EXPECT_FALSE(Push().ok());
}

TEST_F(DeliveryTest, DoesNotRepeatWhatWasRefused) {
  bench_.wire.SetDefault(Answer(401));
  EXPECT_FALSE(Push().ok());
  EXPECT_EQ(bench_.wire.seen().size(), 1u);
}

TEST_F(DeliveryTest, AnInterruptEndsTheWaitForAnotherAttempt) {
  bench_.wire.SetDefault(Fail(Code::kNotFound));
  bench_.interruption.Interrupt();
  const PushOutcome outcome = Push();
  EXPECT_TRUE(outcome.cancelled);
  EXPECT_EQ(bench_.wire.seen().size(), 1u);
  EXPECT_EQ(bench_.self.counts().pushes_failed.load(), 0u);
}

TEST_F(DeliveryTest, RedoesThePushAtOnceWithoutTheRefusedFamily) {
  bench_.wire.Script(Answer(400, Refuse("b")));
  const TimePoint begin = bench_.clock.Now();
  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.clock.Now(), begin);
  EXPECT_EQ(bench_.wire.seen().at(1).body, "a 1\n");
  EXPECT_THAT(bench_.lines.Take(), ElementsAre(HasSubstr("family \"b\" is left out")));

  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.wire.seen().at(2).body, "a 1\n");
  EXPECT_THAT(bench_.lines.Take(), IsEmpty());
}

TEST_F(DeliveryTest, TriesARefusedFamilyAgainWithTheTenthPush) {
  bench_.wire.Script(Answer(400, Refuse("b")));
  for (int push = 0; push < 10; ++push) EXPECT_TRUE(Push().ok());
  (void)bench_.lines.Take();
  EXPECT_EQ(bench_.wire.seen().back().body, "a 1\n");
  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.wire.seen().back().body, "a 1\nb 1\n");
  EXPECT_THAT(bench_.lines.Take(), ElementsAre(HasSubstr("\"b\" is accepted again")));
}

TEST_F(DeliveryTest, AFamilyThatIsRefusedAgainIsNotSaidAgain) {
  bench_.wire.Script(Answer(400, Refuse("b")));
  for (int push = 0; push < 10; ++push) EXPECT_TRUE(Push().ok());
  (void)bench_.lines.Take();
  bench_.wire.Script(Answer(400, Refuse("b")));
  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.wire.seen().back().body, "a 1\n");
  EXPECT_THAT(bench_.lines.Take(), IsEmpty());
}

TEST_F(DeliveryTest, GivesUpWhenTheSameFamilyIsBlamedAgainOrTooManyAre) {
  bench_.wire.SetDefault(Answer(400, Refuse("other")));
  EXPECT_EQ(Push().result, PushResult::kRefused);
  EXPECT_EQ(bench_.wire.seen().size(), 2u);

  test::PushBench bench;
  Delivery delivery(bench.tools, "application", "/metrics/job/j");
  for (int i = 0; i < 20; ++i) {
    bench.wire.Script(Answer(400, Refuse("f" + std::to_string(i))));
  }
  const PushOutcome outcome = delivery.Push(
      [](const std::set<std::string>&, Status*) {
        auto body = std::make_unique<StagedBody>(StagedBody::Sent::kGzip);
        EXPECT_TRUE(body->Finish());
        return body;
      },
      bench.Budget());
  EXPECT_EQ(outcome.result, PushResult::kRefused);
  EXPECT_EQ(bench.wire.seen().size(), 9u);
}

}  // namespace
}  // namespace promplug
