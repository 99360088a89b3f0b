// SPDX-License-Identifier: MIT
#include "push/push_round.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using test::Answer;
using test::Fail;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kExporterGroup[] = "http://gateway:9091/metrics/job/node_exporter/instance/10.0.0.5";
constexpr char kApplicationGroup[] = "http://gateway:9091/metrics/job/photo-api/instance/10.0.0.5";

// Rounds of one configuration after the other, as reloads make them.
class PushRoundTest : public ::testing::Test {
 protected:
  PushRoundTest() {
    ForwardConfig exporter;
    exporter.job = "node_exporter";
    exporter.url = "http://127.0.0.1:9100/metrics";
    config_.forward = {exporter};
    wire_.SetGet(Answer(200, "n 1\n"));
  }

  std::unique_ptr<PushRound> Follow(const std::vector<PushedGroup>& inherited = {}) {
    auto round = std::make_unique<PushRound>(config_, gatherer_, nullptr, log_, clock_, [this] {
      return Result<std::unique_ptr<HttpClient>>(std::make_unique<test::ScriptedClient>(&wire_));
    });
    EXPECT_TRUE(round->Prepare(inherited).ok());
    return round;
  }
  // A round that has pushed the exporter's group.
  std::unique_ptr<PushRound> Pushed() {
    std::unique_ptr<PushRound> round = Follow();
    EXPECT_TRUE(round->Run(kPushForwards).forwards.ok());
    (void)Changes();
    return round;
  }
  void Last(PushRound& round) {
    round.Last(round.WorkBefore(config_.pushgateway), clock_.Now() + std::chrono::seconds(3));
  }
  // What was changed at a gateway since the last call.
  std::vector<std::string> Changes() {
    std::vector<std::string> changes;
    const auto seen = wire_.seen();
    for (; n_told_ < seen.size(); ++n_told_) {
      if (seen[n_told_].method != "GET") {
        changes.push_back(seen[n_told_].method + " " + seen[n_told_].url);
      }
    }
    return changes;
  }

  Config config_ = test::PushConfig();
  test::SkippingClock clock_;
  test::LogLines lines_;
  Log log_{lines_.Sink()};
  test::FakeGatherer gatherer_;
  test::Wire wire_;
  size_t n_told_ = 0;
};

TEST_F(PushRoundTest, AnExporterThatLeavesWithAReloadLosesItsGroup) {
  const auto before = Pushed();
  Last(*before);
  EXPECT_THAT(Changes(), IsEmpty());
  wire_.SetGet(Fail(Code::kNotFound));
  const auto after = Follow(before->pushed());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(after->Run(kPushForwards).forwards.ok());
  EXPECT_THAT(Changes(), ElementsAre(std::string("DELETE ") + kExporterGroup));
  EXPECT_THAT(after->pushed(), IsEmpty());
}

TEST_F(PushRoundTest, WhatWasNeverPushedIsNeverDeleted) {
  wire_.SetGet(Fail(Code::kNotFound));
  const auto before = Follow();
  EXPECT_THAT(before->pushed(), IsEmpty());
  const auto after = Follow(before->pushed());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(after->Run(kPushForwards).forwards.ok());
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(PushRoundTest, TheGroupOfAnExporterThatIsForwardedNoMoreIsDeletedUntilItIsGone) {
  const auto before = Pushed();
  config_.forward.clear();
  Last(*before);
  const auto after = Follow(before->pushed());
  wire_.Script(Fail(Code::kNotFound));
  wire_.Script(Answer(500));
  for (int i = 0; i < 4; ++i) (void)after->Run(kPushForwards);
  const std::string deletion = std::string("DELETE ") + kExporterGroup;
  EXPECT_THAT(Changes(), ElementsAre(deletion, deletion, deletion));
  EXPECT_THAT(lines_.Take(),
              ElementsAre(HasSubstr("warning deleting groups that are forwarded no more failed"),
                          HasSubstr("the group of node_exporter was deleted"),
                          HasSubstr("works again, after 2 failures")));
}

TEST_F(PushRoundTest, WhatIsStillToBeDeletedGoesOnToTheNextButOne) {
  const auto first = Pushed();
  config_.forward.clear();
  const auto second = Follow(first->pushed());
  wire_.Script(Fail(Code::kNotFound));
  (void)second->Run(kPushForwards);
  const auto third = Follow(second->pushed());
  (void)third->Run(kPushForwards);
  EXPECT_EQ(Changes().size(), 2u);
  EXPECT_THAT(third->pushed(), IsEmpty());
}

TEST_F(PushRoundTest, AnotherJobLeavesTheOldGroupToBeDeleted) {
  const auto before = Pushed();
  config_.forward[0].job = "node";
  const auto after = Follow(before->pushed());
  EXPECT_TRUE(after->Run(kPushForwards).forwards.ok());
  EXPECT_THAT(Changes(), ElementsAre("PUT http://gateway:9091/metrics/job/node/instance/10.0.0.5",
                                     std::string("DELETE ") + kExporterGroup));
}

TEST_F(PushRoundTest, AGroupThatIsTheApplicationsNowIsNotDeleted) {
  const auto before = Pushed();
  config_.forward.clear();
  config_.pushgateway.job = "node_exporter";
  const auto after = Follow(before->pushed());
  (void)after->Run(kPushApplication | kPushForwards);
  EXPECT_THAT(Changes(), ElementsAre(std::string("PUT ") + kExporterGroup));
}

TEST_F(PushRoundTest, AGroupThatIsToBeKeptIsKept) {
  config_.forward[0].when_gone = WhenGone::kKeep;
  const auto before = Pushed();
  config_.forward.clear();
  Last(*before);
  const auto after = Follow(before->pushed());
  (void)after->Run(kPushForwards);
  EXPECT_THAT(Changes(), IsEmpty());
}

TEST_F(PushRoundTest, AnotherGatewayLeavesNothingAtTheOldOne) {
  config_.pushgateway.on_stop = OnStop::kDelete;
  const auto before = Pushed();
  config_.pushgateway.url = "http://other:9091";
  Last(*before);
  EXPECT_THAT(Changes(), ElementsAre(std::string("DELETE ") + kApplicationGroup,
                                     std::string("DELETE ") + kExporterGroup));
  const auto after = Follow(before->pushed());
  EXPECT_TRUE(after->Run(kPushForwards).forwards.ok());
  EXPECT_THAT(Changes(),
              ElementsAre("PUT http://other:9091/metrics/job/node_exporter/instance/10.0.0.5"));
}

TEST_F(PushRoundTest, TheApplicationLeavesItsGroupAsOnAStop) {
  const auto left = [this](OnStop on_stop) {
    config_ = test::PushConfig();
    config_.pushgateway.on_stop = on_stop;
    const auto before = Follow();
    config_.pushgateway.labels = {{"zone", "eu"}};
    Last(*before);
    return Changes();
  };
  EXPECT_THAT(left(OnStop::kPush), ElementsAre(std::string("PUT ") + kApplicationGroup));
  EXPECT_THAT(left(OnStop::kDelete), ElementsAre(std::string("DELETE ") + kApplicationGroup));
  EXPECT_THAT(left(OnStop::kNothing), IsEmpty());
}

TEST_F(PushRoundTest, ADeletionThatFailsAtTheEndIsSaid) {
  config_.forward.clear();
  const auto round = Follow();
  wire_.Script(Answer(500));
  round->Last({OnStop::kDelete, LastWork::Groups::kDelete}, clock_.Now() + std::chrono::seconds(3));
  EXPECT_THAT(lines_.Take(), ElementsAre(HasSubstr("a group could not be deleted at the end")));
}

}  // namespace
}  // namespace promplug
