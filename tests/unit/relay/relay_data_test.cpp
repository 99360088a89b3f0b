// SPDX-License-Identifier: MIT
// The captured expositions of a real node_exporter.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/exposition_checker.hpp"
#include "unit/relay/relay_test_support.hpp"

namespace promplug::testing {
namespace {

ForwardConfig DropsItsOwn() {
  ForwardConfig config = NodeExporterConfig();
  config.drop = {"go_*", "process_*", "promhttp_*"};
  return config;
}

// `body` without the lines of families whose names begin so: what is to come out of a body in which
// nothing else is to be changed.
std::string WithoutOwnFamilies(const std::string& body) {
  std::istringstream lines(body);
  std::string line;
  std::string rest;
  while (std::getline(lines, line)) {
    const size_t name = line.starts_with('#') ? 7 : 0;
    const bool own = line.compare(name, 3, "go_") == 0 || line.compare(name, 8, "process_") == 0 ||
                     line.compare(name, 9, "promhttp_") == 0;
    if (!own) rest += line + "\n";
  }
  return rest;
}

std::string Replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

class RelayDataTest : public ::testing::TestWithParam<const char*> {};

TEST_P(RelayDataTest, ComesOutAsAPushgatewayTakesItAndTheSameAgain) {
  RelayRig rig(DropsItsOwn());
  const std::string clean = rig.Clean(ReadData(GetParam()));
  EXPECT_GT(clean.size(), 1000u);
  EXPECT_EQ(rig.client.requests.size(), 1u);
  EXPECT_EQ(ExpositionChecker::Check(clean), "");
  EXPECT_EQ(rig.Clean(clean), clean);
}

TEST_P(RelayDataTest, ComesOutTheSameHoweverItIsCutIntoPieces) {
  const std::string body = ReadData(GetParam());
  RelayRig rig;
  const std::string whole = rig.Clean(body);
  std::mt19937 random(20240229);  // any number, but the same at each run
  for (int round = 0; round < 8; ++round) {
    rig.client.pieces.clear();
    const unsigned longest = 1u << (2 * round);
    for (int i = 0; i < 1009; ++i) rig.client.pieces.push_back(1 + random() % longest);
    ASSERT_TRUE(rig.Clean(body) == whole) << longest;
  }
}

TEST_P(RelayDataTest, IsRefusedWhenItIsCutInsideALine) {
  const std::string body = ReadData(GetParam());
  std::mt19937 random(20240301);
  for (int round = 0; round < 50; ++round) {
    const size_t cut = 1 + random() % (body.size() - 1);
    if (body[cut - 1] == '\n') continue;
    RelayRig rig;
    EXPECT_EQ(rig.Read(body.substr(0, cut)).kind, RelayOutcome::Kind::kFailed) << cut;
  }
}

// Some lines of `body`, with a few bytes of them changed.
std::string SomeLinesChanged(const std::string& body, std::mt19937* random) {
  const auto below = [&](size_t n) { return (*random)() % n; };
  const size_t begin = body.find('\n', below(body.size() - 1)) + 1;
  std::string lines = body.substr(begin, body.find('\n', begin + below(1500)) + 1 - begin);
  for (size_t changes = below(4); changes > 0 && !lines.empty(); --changes) {
    const std::string_view put[] = {" ", "\t", "\"", "\\", "\n", "{", "}",    "=",
                                    ",", "9",  "a",  "#",  "_",  ".", "\xff", "job=\"\","};
    const size_t at = below(lines.size());
    lines.replace(at, below(2), put[below(std::size(put))]);
  }
  return lines;
}

// Of a body in pieces of one byte each line is taken by itself; of a whole one, many in one go.
TEST_P(RelayDataTest, ComesToTheSameWithChangesWhetherTakenByLinesOrInOneGo) {
  const std::string body = ReadData(GetParam());
  std::mt19937 random(20240303);
  int clean = 0;
  for (int round = 0; round < 200; ++round) {
    const std::string lines = SomeLinesChanged(body, &random);
    RelayRig whole(DropsItsOwn());
    RelayRig bytes(DropsItsOwn());
    bytes.client.pieces = {1};
    const RelayOutcome outcome = whole.Read(lines);
    const RelayOutcome expected = bytes.Read(lines);
    ASSERT_EQ(outcome.kind, expected.kind) << lines;
    ASSERT_EQ(outcome.text, expected.text) << lines;
    if (outcome.kind != RelayOutcome::Kind::kClean) continue;
    ASSERT_EQ(whole.out, bytes.out) << lines;
    ++clean;
  }
  EXPECT_GT(clean, 40);
}

INSTANTIATE_TEST_SUITE_P(Files, RelayDataTest, ::testing::ValuesIn(kNodeExporterFiles),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(RelayGoldenTest, LosesNothingButTheFamiliesOfTheExporterItself) {
  for (const char* file : {"node_exporter_default.txt", "node_exporter_all_collectors.txt",
                           "node_exporter_filter.txt", "node_exporter_openmetrics.txt"}) {
    const std::string body = ReadData(file);
    EXPECT_TRUE(RelayRig(DropsItsOwn()).Clean(body) == WithoutOwnFamilies(body)) << file;
    EXPECT_TRUE(RelayRig().Clean(body) == body) << file;
  }
}

TEST(RelayGoldenTest, RenamesLabelsOfTextfileCollectorsAndNothingElse) {
  for (const char* file : {"node_exporter_textfile.txt", "node_exporter_textfile_broken.txt",
                           "node_exporter_textfile_clash.txt", "node_exporter_textfile_ts.txt"}) {
    const std::string body = ReadData(file);
    const std::string expected =
        Replaced(body, R"(with_job_instance{instance="foo",job="cron",x="1"} 4)",
                 R"(with_job_instance{exported_instance="foo",exported_job="cron",x="1"} 4)");
    EXPECT_TRUE(RelayRig().Clean(body) == expected) << file;
    EXPECT_TRUE(RelayRig(DropsItsOwn()).Clean(body) == WithoutOwnFamilies(expected)) << file;
  }
}

TEST(RelayGoldenTest, KeepsApartSeriesThatDifferInTheirInstanceOnly) {
  const std::string body = ReadData("node_exporter_textfile_two_instances.txt");
  const std::string clean = RelayRig().Clean(body);
  EXPECT_NE(
      clean.find("two_inst{exported_instance=\"a\"} 1\ntwo_inst{exported_instance=\"b\"} 2\n"),
      std::string::npos);
}

// A small body with all that is treated in a special way.
constexpr std::string_view kSmall =
    "# HELP a A \\\" x\n# TYPE a gauge\na{x=\"\xC5\xBC\\n\",job=\"j\"} 1 123\n\n# note\n"
    "a{job=\"j\",x=\"\xC5\xBC\\n\"} 2\nb 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n"
    "h_sum 2 # {t=\"u\"} 1\nh_count 1\na{y=\"\xff\"} 1\na 7\n# EOF\n";

TEST(RelayChunkTest, ComesOutTheSameAtEverySplitPoint) {
  RelayRig whole;
  const std::string expected = whole.Clean(kSmall);
  EXPECT_EQ(ExpositionChecker::Check(expected), "");
  for (size_t at = 1; at < kSmall.size(); ++at) {
    RelayRig rig;
    rig.client.pieces = {at, kSmall.size()};
    EXPECT_EQ(rig.Clean(kSmall), expected) << at;
  }
  RelayRig bytes;
  bytes.client.pieces = {1};
  EXPECT_EQ(bytes.Clean(kSmall), expected);
}

TEST(RelayChunkTest, SaysTheSameOfAWrongBodyAtEverySplitPoint) {
  const std::string body = "# TYPE a gauge\na{x=\"1\"} 1\nb{x=\"\\q\"} 1\nc 1\n";
  const std::string expected = RelayRig().Read(body).text;
  for (size_t at = 1; at < body.size(); ++at) {
    RelayRig rig;
    rig.client.pieces = {at, body.size()};
    const RelayOutcome outcome = rig.Read(body);
    EXPECT_EQ(outcome.kind, RelayOutcome::Kind::kFailed);
    EXPECT_EQ(outcome.text, expected) << at;
  }
}

}  // namespace
}  // namespace promplug::testing
