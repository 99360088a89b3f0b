// SPDX-License-Identifier: MIT
#include "push/gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;
using test::Answer;
using test::Fail;
using test::PushBench;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

PushOutcome PushTo(PushBench* bench, StagedBody::Sent sent = StagedBody::Sent::kGzip) {
  StagedBody body(sent);
  EXPECT_TRUE(body.Write("a 1\n") && body.Finish());
  return bench->gateway.Push("/metrics/job/j", &body, seconds(3));
}

PushOutcome PushAnswered(test::Exchange exchange) {
  PushBench bench;
  bench.wire.Script(std::move(exchange));
  return PushTo(&bench);
}

TEST(Gateway, PutsTheBodyIntoTheGroup) {
  PushBench bench;
  ASSERT_TRUE(PushTo(&bench).ok());
  const test::SeenRequest seen = bench.wire.seen().at(0);
  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.url, "http://gateway:9091/metrics/job/j");
  EXPECT_EQ(seen.body, "a 1\n");
  EXPECT_EQ(seen.timeout, seconds(3));
  EXPECT_THAT(seen.headers, Contains(Pair("Content-Encoding", "gzip")));
  EXPECT_THAT(seen.headers, Contains(Pair("Content-Type", HasSubstr("version=0.0.4"))));
}

TEST(Gateway, FollowsTheConfiguration) {
  PushBench bench;
  bench.config.pushgateway.method = PushMethod::kPost;
  bench.config.pushgateway.headers = {{"X-Scope", "a"}};
  ASSERT_TRUE(PushTo(&bench, StagedBody::Sent::kPlain).ok());
  const test::SeenRequest seen = bench.wire.seen().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.body, "a 1\n");
  EXPECT_THAT(seen.headers, Contains(Pair("X-Scope", "a")));
  EXPECT_THAT(seen.headers, Not(Contains(Pair("Content-Encoding", "gzip"))));
}

TEST(Gateway, DeletesAGroup) {
  PushBench bench;
  bench.wire.Script(Answer(202));
  EXPECT_TRUE(bench.gateway.Delete("/metrics/job/j", seconds(1)).ok());
  EXPECT_EQ(bench.wire.seen().at(0).method, "DELETE");
  EXPECT_EQ(bench.wire.seen().at(0).body, "");
}

TEST(Gateway, Only200And202AreSuccess) {
  for (const int status : {200, 202}) EXPECT_TRUE(PushAnswered(Answer(status)).ok());
  for (const int status : {0, 201, 204, 206, 301, 307, 400, 404, 500, 503}) {
    SCOPED_TRACE(status);
    EXPECT_FALSE(PushAnswered(Answer(status)).ok());
  }
}

TEST(Gateway, TellsWaysOfFailingApart) {
  const auto check = [](test::Exchange exchange, PushResult result, bool may_retry) {
    const PushOutcome outcome = PushAnswered(std::move(exchange));
    SCOPED_TRACE(outcome.text);
    EXPECT_EQ(outcome.result, result);
    EXPECT_EQ(outcome.may_retry, may_retry);
    EXPECT_FALSE(outcome.cancelled);
    EXPECT_FALSE(outcome.text.empty());
  };
  check(Fail(Code::kTimeout), PushResult::kTimeout, true);
  check(Fail(Code::kIo), PushResult::kUnreachable, true);
  check(Fail(Code::kNotFound), PushResult::kUnreachable, true);
  check(Fail(Code::kLimit), PushResult::kRefused, false);
  check(Fail(Code::kInvalid), PushResult::kInternal, false);
  check(Answer(400), PushResult::kRefused, false);
  check(Answer(401), PushResult::kRefused, false);
  check(Answer(413), PushResult::kRefused, false);
  check(Answer(302), PushResult::kRefused, false);
  check(Answer(429), PushResult::kRefused, true);
  check(Answer(500), PushResult::kRefused, true);
  check(Answer(502), PushResult::kUnreachable, true);
}

TEST(Gateway, AnInterruptedPushSaysNothingAboutTheGateway) {
  EXPECT_TRUE(PushAnswered(Fail(Code::kCancelled)).cancelled);
}

TEST(Gateway, ARedirectIsNamedWithoutItsCredentials) {
  test::Exchange exchange = Answer(307);
  exchange.response.location = "http://me:secret@other:9091/metrics?token=abc";
  const PushOutcome outcome = PushAnswered(std::move(exchange));
  EXPECT_THAT(outcome.text, HasSubstr("other:9091/metrics"));
  EXPECT_THAT(outcome.text, Not(HasSubstr("secret")));
  EXPECT_THAT(outcome.text, Not(HasSubstr("abc")));
}

TEST(Gateway, HandsOnRetryAfterAndTheRefusedFamilies) {
  test::Exchange exchange = Answer(503);
  exchange.response.retry_after_seconds = 7;
  EXPECT_EQ(PushAnswered(std::move(exchange)).retry_after_seconds, 7);

  const PushOutcome outcome = PushAnswered(
      Answer(400,
             "pushed metrics are invalid or inconsistent with existing metrics: gathered metric "
             "family go_info has type COUNTER but should have GAUGE\n"));
  EXPECT_THAT(outcome.refused_families, ElementsAre("go_info"));
  EXPECT_THAT(outcome.text, HasSubstr("but should have GAUGE"));
}

TEST(Gateway, TheTextIsShortAndValidUtf8) {
  const PushOutcome outcome = PushAnswered(Answer(400, std::string(5000, '\xe4')));
  EXPECT_LE(outcome.text.size(), 1100u);
  EXPECT_EQ(outcome.text.find('\xe4'), std::string::npos);
}

}  // namespace
}  // namespace promplug
