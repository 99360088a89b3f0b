// SPDX-License-Identifier: MIT
#include "relay/relay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>

#include "unit/relay/relay_test_support.hpp"

namespace promplug::testing {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;
using Kind = RelayOutcome::Kind;

TEST(RelayTest, AsksForTextWithItsTimeoutAndNoProxy) {
  RelayRig rig;
  EXPECT_EQ(rig.Clean("m 1\n"), "m 1\n");
  ASSERT_EQ(rig.client.requests.size(), 1u);
  const HttpRequest& request = rig.client.requests[0];
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.url, "http://127.0.0.1:9100/metrics");
  EXPECT_EQ(request.timeout, std::chrono::seconds(3));
  EXPECT_FALSE(request.use_proxy);
  EXPECT_EQ(request.body, nullptr);
  EXPECT_THAT(request.headers, Contains(Pair("Accept", "text/plain;version=0.0.4")));
  EXPECT_THAT(request.headers, Contains(Pair("X-Prometheus-Scrape-Timeout-Seconds", "3")));
}

TEST(RelayTest, WaitsNoLongerThanConfigured) {
  ForwardConfig config = NodeExporterConfig();
  config.timeout_seconds = 0.25;
  RelayRig rig(config);
  EXPECT_EQ(rig.Clean("m 1\n"), "m 1\n");
  EXPECT_EQ(rig.client.requests[0].timeout, std::chrono::milliseconds(250));
  EXPECT_THAT(rig.client.requests[0].headers,
              Contains(Pair("X-Prometheus-Scrape-Timeout-Seconds", "0.25")));
}

TEST(RelayTest, DoesNotAskWithoutTime) {
  RelayRig rig;
  const RelayOutcome outcome =
      rig.relay->Read({}, Duration::zero(), [](std::string_view) { return true; });
  EXPECT_EQ(outcome.kind, Kind::kFailed);
  EXPECT_TRUE(rig.client.requests.empty());
}

TEST(RelayTest, SaysAbsentWhenNothingListens) {
  RelayRig rig;
  rig.client.failure = Status(Code::kNotFound, "connection refused");
  const RelayOutcome outcome = rig.Read("");
  EXPECT_EQ(outcome.kind, Kind::kAbsent);
  EXPECT_EQ(outcome.text, "connection refused");
}

TEST(RelayTest, FailsOnEveryOtherFailureOfTheTransfer) {
  for (const Code code : {Code::kIo, Code::kTimeout, Code::kCancelled}) {
    RelayRig rig;
    rig.client.failure = Status(code, "the transfer was cut");
    const RelayOutcome outcome = rig.Read("m 1\n");
    EXPECT_EQ(outcome.kind, Kind::kFailed);
    EXPECT_EQ(outcome.text, "the transfer was cut");
  }
}

TEST(RelayTest, FailsOnEveryStatusBut200) {
  for (const int status : {204, 301, 401, 404, 500, 503}) {
    RelayRig rig;
    rig.client.response.status = status;
    const RelayOutcome outcome = rig.Read("m 1\n");
    EXPECT_EQ(outcome.kind, Kind::kFailed);
    EXPECT_THAT(outcome.text, HasSubstr(std::to_string(status)));
    EXPECT_EQ(rig.out, "");
  }
}

TEST(RelayTest, QuotesWhatNodeExporterSaysWhenItIsBusy) {
  RelayRig rig;
  rig.client.response.status = 503;
  const std::string whole = ReadData("node_exporter_503.txt");
  const RelayOutcome outcome = rig.Read(whole.substr(whole.find("\r\n\r\n") + 4));
  EXPECT_EQ(outcome.kind, Kind::kFailed);
  EXPECT_THAT(outcome.text, HasSubstr("status 503: \"Limit of concurrent requests reached (1)"));
}

TEST(RelayTest, TakesTextOpenMetricsAndNoContentType) {
  for (const char* type : {"", "text/plain", "Text/Plain; version=0.0.4", " text/plain ;x=y",
                           "application/openmetrics-text; version=1.0.0; charset=utf-8"}) {
    RelayRig rig;
    rig.client.response.content_type = type;
    EXPECT_EQ(rig.Clean("m 1\n# EOF\n"), "m 1\n") << type;
  }
}

TEST(RelayTest, RefusesOtherContentTypes) {
  for (const char* type :
       {"text/html; charset=utf-8", "application/json", "text/plainer", "application/octet-stream",
        "application/vnd.google.protobuf; encoding=delimited"}) {
    RelayRig rig;
    rig.client.response.content_type = type;
    const RelayOutcome outcome = rig.Read("m 1\n");
    EXPECT_EQ(outcome.kind, Kind::kFailed) << type;
    EXPECT_THAT(outcome.text, HasSubstr("Content-Type")) << type;
  }
}

TEST(RelayTest, RefusesAnHtmlPageThatCallsItselfText) {
  RelayRig rig;
  const RelayOutcome outcome = rig.Read(ReadData("node_exporter_root.html"));
  EXPECT_EQ(outcome.kind, Kind::kFailed);
  EXPECT_EQ(outcome.text, "line 1: invalid metric name: \"<html>\"");
  EXPECT_EQ(rig.out, "");
}

TEST(RelayTest, RefusesOpenMetricsWithoutItsEnd) {
  for (const bool held : {false, true}) {
    RelayRig rig;
    if (held) {
      EXPECT_TRUE(rig.ReadOnce("a 1\nb 1\na{x=\"1\"} 1\n").read_again);
    }
    rig.client.response.content_type = "application/openmetrics-text";
    EXPECT_EQ(rig.Read("a 1\n# EOF\n").kind, Kind::kClean);
    EXPECT_EQ(rig.Read("a 1\nb 1\na{x=\"1\"} 1\n# EOF\n").kind, Kind::kClean);
    const RelayOutcome outcome = rig.Read("a 1\nb 1\n");
    EXPECT_EQ(outcome.kind, Kind::kFailed);
    EXPECT_THAT(outcome.text, HasSubstr("# EOF"));
    EXPECT_EQ(rig.Read("# EOF\na 1\n").kind, Kind::kFailed);
  }
}

TEST(RelayTest, RefusesABodyOverTheLimit) {
  ForwardConfig config = NodeExporterConfig();
  config.max_bytes = 12;
  for (const bool held : {false, true}) {
    RelayRig rig(config);
    rig.client.pieces = {3};
    if (held) {
      EXPECT_TRUE(rig.ReadOnce("a 1\nb 1\na 1\n").read_again);
    }
    EXPECT_EQ(rig.Read("a 1\nb 1\nc 1\n").kind, Kind::kClean);
    const RelayOutcome outcome = rig.Read("a 1\nb 1\nc 12\n");
    EXPECT_EQ(outcome.kind, Kind::kFailed);
    EXPECT_THAT(outcome.text, HasSubstr("more than 12 bytes"));
  }
}

TEST(RelayTest, RefusesABodyWithoutSamples) {
  for (const char* body : {"", "\n", "# EOF\n", "# HELP m x\n# TYPE m gauge\n"}) {
    RelayRig rig;
    const RelayOutcome outcome = rig.Read(body);
    EXPECT_EQ(outcome.kind, Kind::kFailed) << body;
    EXPECT_THAT(outcome.text, HasSubstr("empty")) << body;
  }
}

TEST(RelayTest, RefusesABodyThatIsCutInALine) {
  RelayRig rig;
  const RelayOutcome outcome = rig.Read("m 1\nn 12");
  EXPECT_EQ(outcome.kind, Kind::kFailed);
  EXPECT_THAT(outcome.text, HasSubstr("cut"));
}

TEST(RelayTest, NamesTheLineThatIsWrong) {
  RelayRig rig;
  EXPECT_EQ(rig.Read("m 1\n\nn 1x\no 1\n").text, "line 3: expected a number as value: \"n 1x\"");
}

TEST(RelayTest, StopsReadingAtTheFirstWrongLine) {
  RelayRig rig;
  rig.client.failure = Status(Code::kIo, "must not be reached");
  EXPECT_THAT(rig.Read("m\nn 1\n").text, HasSubstr("line 1"));
}

TEST(RelayTest, FailsWhenWhatComesOutIsNotTaken) {
  RelayRig rig;
  rig.client.body = "m 1\n";
  const RelayOutcome outcome =
      rig.relay->Read({}, std::chrono::seconds(1), [](std::string_view) { return false; });
  EXPECT_EQ(outcome.kind, Kind::kFailed);
  EXPECT_FALSE(outcome.read_again);
}

TEST(RelayTest, PutsFamiliesTogetherAtTheSecondReadingAndFromThenOn) {
  const std::string apart =
      "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\nb 2\n# HELP a Other.\n# TYPE a gauge\n"
      "a{x=\"2\"} 3\nc 1\nb{y=\"1\"} 1\na{x=\"1\"} 9\n";
  const std::string together =
      "# HELP a A.\n# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 3\nb 2\nb{y=\"1\"} 1\nc 1\n";
  RelayRig rig;
  const RelayOutcome first = rig.ReadOnce(apart);
  EXPECT_EQ(first.kind, Kind::kFailed);
  EXPECT_TRUE(first.read_again);
  EXPECT_EQ(first.text, "the lines of family \"a\" came apart");
  for (int i = 0; i < 2; ++i) {
    const RelayOutcome next = rig.ReadOnce(apart);
    EXPECT_EQ(next.kind, Kind::kClean) << next.text;
    EXPECT_EQ(rig.out, together);
  }
}

TEST(RelayTest, NamesTheRightLineAlsoWhenItHoldsTheBody) {
  RelayRig rig;
  EXPECT_TRUE(rig.ReadOnce("a 1\nb 1\na{x=\"1\"} 1\n").read_again);
  EXPECT_EQ(rig.Read("a 1\nb 1\na{x=\"1\"} 1x\n").text,
            "line 3: expected a number as value: \"a{x=\\\"1\\\"} 1x\"");
  EXPECT_THAT(rig.Read("a 1\nb 1").text, HasSubstr("line 2: cut"));
}

TEST(RelayTest, ReadsOnThoughADroppedFamilyComesApart) {
  ForwardConfig config = NodeExporterConfig();
  config.drop = {"go_*"};
  RelayRig rig(config);
  const RelayOutcome outcome = rig.ReadOnce("go_a 1\nb 1\ngo_a{x=\"1\"} 1\nc 1\n");
  EXPECT_EQ(outcome.kind, Kind::kClean);
  EXPECT_EQ(rig.out, "b 1\nc 1\n");
}

TEST(RelayTest, TellsWhetherAnyFamilyIsLeft) {
  ForwardConfig config = NodeExporterConfig();
  config.drop = {"go_*"};
  RelayRig rig(config);
  EXPECT_TRUE(rig.Read("go_a 1\nb 1\n").families_left);
  const RelayOutcome outcome = rig.Read("# TYPE b gauge\ngo_a 1\n");
  EXPECT_EQ(outcome.kind, Kind::kClean);
  EXPECT_FALSE(outcome.families_left);
  EXPECT_EQ(rig.out, "");
}

std::map<std::string, double> DroppedIn(SelfMetrics* self) {
  std::map<std::string, double> dropped;
  for (Family* family : self->registry().Families()) {
    if (family->head().name != "promplug_forward_series_dropped_total") continue;
    const auto points = family->Read();
    Point point;
    while (points->Next(&point, 1) == 1) {
      dropped[std::string(point.labels)] =
          point.is_integer ? static_cast<double>(point.integer) : point.value;
    }
  }
  return dropped;
}

TEST(RelayTest, CountsWhatItLeavesOutOfACleanExpositionOnly) {
  SelfMetrics self(Clock::Real(), "1.0");
  RelayRig rig(NodeExporterConfig(), &self);
  const std::string body = "m 1\nm 2\nm 3\nn{a=\"\xff\"} 1\n";
  EXPECT_EQ(rig.Read(body + "o 1x\n").kind, Kind::kFailed);
  EXPECT_TRUE(DroppedIn(&self).empty());
  EXPECT_EQ(rig.Read(body + "o 1\n").kind, Kind::kClean);
  const std::map<std::string, double> dropped = DroppedIn(&self);
  ASSERT_EQ(dropped.size(), 2u);
  EXPECT_THAT(dropped,
              Contains(Pair(AllOf(HasSubstr("node_exporter"), HasSubstr("duplicate")), 2)));
  EXPECT_THAT(dropped, Contains(Pair(AllOf(HasSubstr("node_exporter"), HasSubstr("invalid")), 1)));
}

}  // namespace
}  // namespace promplug::testing
