// SPDX-License-Identifier: MIT
#include "push/forwarder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using test::Answer;
using test::Fail;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Reading {
  RelayOutcome outcome;
  std::string text;
};

Reading Clean(std::string text) {
  Reading reading{{}, std::move(text)};
  reading.outcome.kind = RelayOutcome::Kind::kClean;
  reading.outcome.families_left = !reading.text.empty();
  return reading;
}
Reading Absent() {
  Reading reading;
  reading.outcome.kind = RelayOutcome::Kind::kAbsent;
  reading.outcome.text = "connection refused";
  return reading;
}
Reading Failed(std::string why, std::string begun) {
  Reading reading{{}, std::move(begun)};
  reading.outcome.text = std::move(why);
  return reading;
}

class ScriptedRelay final : public Relay {
 public:
  RelayOutcome Read(const std::set<std::string>& exclude, Duration,
                    const std::function<bool(std::string_view)>& out) override {
    excluded.push_back(exclude);
    Reading reading = Clean("n 1\n");
    if (!script.empty()) {
      reading = std::move(script.front());
      script.pop_front();
    }
    EXPECT_TRUE(out(reading.text));
    return reading.outcome;
  }
  std::deque<Reading> script;
  std::vector<std::set<std::string>> excluded;
};

class ForwarderTest : public ::testing::Test {
 protected:
  ForwarderTest() {
    config_.job = "node_exporter";
    config_.url = "http://me:secret@127.0.0.1:9100/metrics";
    auto relay = std::make_unique<ScriptedRelay>();
    relay_ = relay.get();
    forwarder_ = std::make_unique<Forwarder>(
        bench_.tools, config_, "/metrics/job/node_exporter/instance/i", std::move(relay));
  }
  PushOutcome Push() { return forwarder_->Push(bench_.Budget()); }
  PushOutcome PushReading(Reading reading) {
    relay_->script.push_back(std::move(reading));
    return Push();
  }
  std::vector<std::string> Methods() const {
    std::vector<std::string> methods;
    for (const auto& seen : bench_.wire.seen()) methods.push_back(seen.method);
    return methods;
  }

  test::PushBench bench_;
  ForwardConfig config_;
  ScriptedRelay* relay_ = nullptr;
  std::unique_ptr<Forwarder> forwarder_;
};

TEST_F(ForwarderTest, PushesWhatTheExporterSays) {
  EXPECT_TRUE(Push().ok());
  EXPECT_EQ(bench_.wire.seen().at(0).url,
            "http://gateway:9091/metrics/job/node_exporter/instance/i");
  EXPECT_EQ(bench_.wire.seen().at(0).body, "n 1\n");
  EXPECT_EQ(bench_.self.counts().forwards_ok.load(), 1u);
}

TEST_F(ForwarderTest, NothingOfAFailedReadingIsPushed) {
  const PushOutcome outcome = PushReading(Failed("cut", "n 1\n"));
  EXPECT_FALSE(outcome.ok());
  EXPECT_THAT(outcome.text, HasSubstr("cut"));
  EXPECT_FALSE(PushReading(Failed("cut", "n 1\n")).ok());
  EXPECT_THAT(Methods(), IsEmpty());
  EXPECT_EQ(bench_.self.counts().forwards_failed.load(), 2u);
  const auto lines = bench_.lines.Take();
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0].find("secret"), std::string::npos);
}

TEST_F(ForwarderTest, AnAbsentExporterIsASkipThatIsSaidOnce) {
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(Methods(), IsEmpty());
  EXPECT_EQ(bench_.self.counts().forwards_skipped.load(), 3u);
  EXPECT_EQ(bench_.self.counts().forwards_failed.load(), 0u);
  EXPECT_THAT(bench_.lines.Take(),
              ElementsAre("info forwarding of node_exporter is skipped while nothing listens at "
                          "http://xxxxx@127.0.0.1:9100/metrics"));
  EXPECT_TRUE(Push().ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(bench_.lines.Take(), ElementsAre(HasSubstr("is skipped")));
}

TEST_F(ForwarderTest, TheGroupOfAnExporterThatIsGoneIsDeletedOnce) {
  EXPECT_TRUE(Push().ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT"));
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT", "DELETE"));
  EXPECT_THAT(bench_.lines.Take(),
              ElementsAre(HasSubstr("is skipped"), HasSubstr("was deleted at the Pushgateway")));
}

TEST_F(ForwarderTest, AnExporterThatWasMissedOnceIsNotGone) {
  EXPECT_TRUE(Push().ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_TRUE(Push().ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT", "PUT"));
}

TEST_F(ForwarderTest, AFailingExporterKeepsItsLastGoodState) {
  EXPECT_TRUE(Push().ok());
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(PushReading(Failed("status 503", "")).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT"));
}

TEST_F(ForwarderTest, TheGroupIsKeptWhereConfiguredSo) {
  config_.when_gone = WhenGone::kKeep;
  EXPECT_TRUE(Push().ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT"));
}

TEST_F(ForwarderTest, ADeleteThatFailsIsTriedWithTheNextPush) {
  EXPECT_TRUE(Push().ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  bench_.wire.Script(Fail(Code::kNotFound));
  EXPECT_FALSE(PushReading(Absent()).ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_TRUE(PushReading(Absent()).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT", "DELETE", "DELETE"));
}

TEST_F(ForwarderTest, AnEmptyBodyIsNeverPushed) {
  EXPECT_TRUE(PushReading(Clean("")).ok());
  EXPECT_TRUE(PushReading(Clean("")).ok());
  EXPECT_THAT(Methods(), IsEmpty());
  EXPECT_THAT(bench_.lines.Take(), ElementsAre(HasSubstr("no family is left")));
}

TEST_F(ForwarderTest, ReadsAgainWhereTheRelayAsksForIt) {
  Reading apart = Failed("a family came apart", "n 1\n");
  apart.outcome.read_again = true;
  EXPECT_TRUE(PushReading(std::move(apart)).ok());
  EXPECT_EQ(bench_.wire.seen().at(0).body, "n 1\n");
  EXPECT_EQ(relay_->excluded.size(), 2u);
}

TEST_F(ForwarderTest, ReadsAgainWithoutARefusedFamily) {
  bench_.wire.Script(
      Answer(400,
             "pushed metrics are invalid or inconsistent with existing metrics: collected metric "
             "\"node_load1\" { gauge:<value:1 > } is not a COUNTER\n"));
  EXPECT_TRUE(Push().ok());
  EXPECT_THAT(relay_->excluded, ElementsAre(IsEmpty(), ElementsAre("node_load1")));
}

TEST_F(ForwarderTest, DeletesItsGroupOnlyWhereItWasPushed) {
  EXPECT_TRUE(forwarder_->DeletePushed(bench_.Budget().deadline).ok());
  EXPECT_THAT(Methods(), IsEmpty());
  EXPECT_TRUE(Push().ok());
  EXPECT_TRUE(forwarder_->DeletePushed(bench_.Budget().deadline).ok());
  EXPECT_TRUE(forwarder_->DeletePushed(bench_.Budget().deadline).ok());
  EXPECT_THAT(Methods(), ElementsAre("PUT", "DELETE"));
}

}  // namespace
}  // namespace promplug
