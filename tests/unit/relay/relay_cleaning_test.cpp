// SPDX-License-Identifier: MIT
// What becomes of the lines of a whole, valid exposition.
#include <gtest/gtest.h>

#include <string>

#include "relay/cleaner.hpp"
#include "support/exposition_checker.hpp"
#include "unit/relay/relay_test_support.hpp"

namespace promplug::testing {
namespace {

// What comes out, which a Pushgateway would take, and comes out again from a second cleaning.
std::string Clean(std::string_view body, const ForwardConfig& config = NodeExporterConfig()) {
  RelayRig rig(config);
  const std::string clean = rig.Clean(body);
  EXPECT_EQ(ExpositionChecker::Check(clean), "") << clean;
  if (!clean.empty()) {
    RelayRig again(config);
    EXPECT_EQ(again.Clean(clean), clean);
    EXPECT_EQ(again.client.requests.size(), 1u);
  }
  return clean;
}

Cleaner::LeftOut LeftOut(std::string_view body) {
  const ForwardConfig config = NodeExporterConfig();
  const std::set<std::string> exclude;
  const FamilyFilter filter(config, exclude);
  Cleaner cleaner(filter, Cleaner::Input::kAsItComes, [](std::string_view) { return true; });
  EXPECT_TRUE(cleaner.Feed(body) && cleaner.Finish()) << cleaner.reason();
  return cleaner.left_out();
}

TEST(RelayCleaningTest, LeavesAValidExpositionAsItIs) {
  const std::string body =
      "# HELP h Hist.\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\n"
      "h_sum 3\nh_count 2\n# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\nu NaN\n";
  EXPECT_EQ(Clean(body), body);
}

TEST(RelayCleaningTest, DropsTimestampsExemplarsCommentsAndBlanks) {
  EXPECT_EQ(Clean("# by hand\n\n  m{a=\"b\"} 1 1520879607789\n"
                  "#comment\nn 2 # {trace_id=\"1\"} 3 4\n# UNIT o s\no 3 \n# EOF\n"),
            "m{a=\"b\"} 1\nn 2\no 3\n");
}

TEST(RelayCleaningTest, DropsHelpAndTypeOfFamiliesWithoutSamples) {
  EXPECT_EQ(Clean("# HELP m M.\n# TYPE m gauge\n# HELP n N.\n# TYPE n counter\nn 1\n"),
            "# HELP n N.\n# TYPE n counter\nn 1\n");
}

TEST(RelayCleaningTest, WritesTypeLinesInOneForm) {
  EXPECT_EQ(Clean("#TYPE\tm  Gauge \nm 1\n"), "# TYPE m gauge\nm 1\n");
}

TEST(RelayCleaningTest, MendsTheEscapesOfHelp) {
  EXPECT_EQ(Clean("# HELP m C:\\dir \\\"x\\\" \\\\ \\n end\\\nm 1\n"),
            "# HELP m C:\\\\dir \"x\" \\\\ \\n end\\\\\nm 1\n");
}

TEST(RelayCleaningTest, DropsHelpThatIsNotUtf8OrComesAfterSamples) {
  EXPECT_EQ(Clean("# HELP m \xff\n# TYPE m gauge\nm 1\n# HELP m late\n"), "# TYPE m gauge\nm 1\n");
}

TEST(RelayCleaningTest, TakesTheFirstOfTwoHelpLinesAndIgnoresTheSameTypeTwice) {
  EXPECT_EQ(Clean("# HELP m One.\n# HELP m Two.\n# TYPE m gauge\n# TYPE m gauge\nm 1\n"),
            "# HELP m One.\n# TYPE m gauge\nm 1\n");
}

TEST(RelayCleaningTest, IgnoresATypeThatComesAfterSamples) {
  EXPECT_EQ(Clean("m 1\n# TYPE m gauge\nm{a=\"b\"} 2\n"), "m 1\nm{a=\"b\"} 2\n");
}

TEST(RelayCleaningTest, LeavesOutSamplesUnderASecondOtherType) {
  const char* const body = "# TYPE m gauge\nm 1\n# TYPE m counter\nm{a=\"b\"} 2\nn 3\n";
  EXPECT_EQ(Clean(body), "# TYPE m gauge\nm 1\nn 3\n");
  EXPECT_EQ(LeftOut(body).type, 1u);
}

TEST(RelayCleaningTest, LeavesOutAFamilyWhoseNameIsASampleOfAnEarlierOne) {
  const char* const body =
      "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
      "# HELP h_count Other.\n# TYPE h_count counter\nh_count{a=\"b\"} 5\nn 1\n";
  EXPECT_EQ(Clean(body), "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\nn 1\n");
  EXPECT_EQ(LeftOut(body).type, 1u);
}

TEST(RelayCleaningTest, LeavesOutAHistogramOneOfWhoseSamplesIsAnEarlierFamily) {
  const char* const body =
      "# TYPE h_count counter\nh_count 5\n"
      "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\nn 1\n";
  EXPECT_EQ(Clean(body), "# TYPE h_count counter\nh_count 5\nn 1\n");
  EXPECT_EQ(LeftOut(body).type, 3u);
}

TEST(RelayCleaningTest, LetsAFamilyStandBesideASummaryThatHasNoSuchSamples) {
  const char* const body =
      "# TYPE s summary\ns_sum 1\ns_count 1\n# TYPE s_bucket gauge\ns_bucket 1\n";
  EXPECT_EQ(Clean(body), body);
}

TEST(RelayCleaningTest, DropsDuplicateSeriesInAnyOrderOfLabels) {
  const char* const body =
      "m{a=\"1\",b=\"2\"} 1\nm{b=\"2\",a=\"1\"} 2\nm { b = \"2\" , a=\"1\",} 3\nm{a=\"2\",b=\"1\"} "
      "4\n";
  EXPECT_EQ(Clean(body), "m{a=\"1\",b=\"2\"} 1\nm{a=\"2\",b=\"1\"} 4\n");
  EXPECT_EQ(LeftOut(body).duplicate, 2u);
}

TEST(RelayCleaningTest, TakesAnEmptyLabelAsAnAbsentOne) {
  EXPECT_EQ(Clean("m{a=\"\"} 1\nm 2\nm{b=\"\",c=\"1\"} 3\nm{c=\"1\"} 4\n"),
            "m{a=\"\"} 1\nm{b=\"\",c=\"1\"} 3\n");
}

TEST(RelayCleaningTest, TellsDuplicateBucketsByTheNumber) {
  EXPECT_EQ(
      Clean("# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\n"
            "h_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"inf\"} 2\nh_sum 1\nh_count 2\nh_count 2\n"),
      "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n");
}

TEST(RelayCleaningTest, FindsADuplicateInALargeFamily) {
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "m{i=\"" + std::to_string(i) + "\"} 1\n";
  std::string clean = body;
  EXPECT_EQ(Clean(body + body + "n 1\n"), clean + "n 1\n");
  EXPECT_EQ(LeftOut(body + body).duplicate, 5000u);
}

TEST(RelayCleaningTest, LeavesOutSeriesThatThePushgatewayRefusesAlone) {
  const char* const body =
      "m{a=\"1\",a=\"2\"} 1\nm{a=\"\xff\xfe\"} 1\nm{__name__=\"x\"} 1\nm{__x=\"1\"} 1\nm 1\n";
  EXPECT_EQ(Clean(body), "m 1\n");
  EXPECT_EQ(LeftOut(body).invalid, 4u);
}

TEST(RelayCleaningTest, LeavesOutSamplesThatTheirTypeDoesNotHave) {
  const char* const body =
      "# TYPE h histogram\nh 1\nh_bucket 1\nh_bucket{le=\"x\"} 1\nh_bucket{le=\"NaN\"} 1\n"
      "h_count{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
      "# TYPE s summary\ns 1\ns{quantile=\"x\"} 1\ns_sum{quantile=\"1\"} 1\ns_count 1\n";
  EXPECT_EQ(Clean(body),
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"
            "# TYPE s summary\ns_count 1\n");
  EXPECT_EQ(LeftOut(body).invalid, 8u);
}

TEST(RelayCleaningTest, RenamesTheLabelsOfTheGroupingKey) {
  EXPECT_EQ(Clean("m{instance=\"foo\",job=\"cron\",x=\"1\"} 4\n"),
            "m{exported_instance=\"foo\",exported_job=\"cron\",x=\"1\"} 4\n");
  EXPECT_EQ(Clean("m { job = \"a\" , jobs=\"b\",}5 77\n"),
            "m { exported_job = \"a\" , jobs=\"b\",}5\n");
  EXPECT_EQ(Clean("m{job=\"\"} 4\n"), "m{exported_job=\"\"} 4\n");
}

TEST(RelayCleaningTest, RenamesFurtherWhereTheNewNameIsTaken) {
  EXPECT_EQ(Clean("m{exported_job=\"a\",job=\"b\"} 1\n"),
            "m{exported_job=\"a\",exported_exported_job=\"b\"} 1\n");
  EXPECT_EQ(Clean("m{exported_exported_job=\"c\",exported_job=\"a\",job=\"b\"} 1\n"),
            "m{exported_exported_job=\"c\",exported_job=\"a\","
            "exported_exported_exported_job=\"b\"} 1\n");
}

TEST(RelayCleaningTest, TellsDuplicatesByTheNewNames) {
  EXPECT_EQ(Clean("m{job=\"a\"} 1\nm{exported_job=\"a\"} 2\nm{job=\"b\"} 3\n"),
            "m{exported_job=\"a\"} 1\nm{exported_job=\"b\"} 3\n");
}

TEST(RelayCleaningTest, MapsTheTypesOfOpenMetrics) {
  EXPECT_EQ(Clean("# TYPE u unknown\nu 1\n# TYPE i info\n# HELP i I.\ni_info{v=\"1\"} 1\n"
                  "# TYPE s stateset\ns{s=\"on\"} 1\ns{s=\"off\"} 0\n# EOF\n"),
            "# TYPE u untyped\nu 1\n# HELP i_info I.\n# TYPE i_info gauge\ni_info{v=\"1\"} 1\n"
            "# TYPE s gauge\ns{s=\"on\"} 1\ns{s=\"off\"} 0\n");
  EXPECT_EQ(
      Clean("# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 1\ng_gcount 1\ng_gsum 1\n# EOF\n"),
      "g_bucket{le=\"+Inf\"} 1\ng_gcount 1\ng_gsum 1\n");
}

TEST(RelayCleaningTest, GivesTheCountersOfOpenMetricsTheirNameAndNoCreatedTimes) {
  EXPECT_EQ(Clean("# HELP c C.\n# TYPE c counter\n# UNIT c s\nc_total{a=\"1\"} 1 # {t=\"x\"} 1\n"
                  "c_created{a=\"1\"} 1.5e9\nc_total{a=\"2\"} 2 1520879607.789\n"
                  "c_created{a=\"2\"} 1.5e9\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n"
                  "h_count 1\nh_sum 1\nh_created 1.5e9\n# EOF\n"),
            "# HELP c_total C.\n# TYPE c_total counter\nc_total{a=\"1\"} 1\nc_total{a=\"2\"} 2\n"
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n");
}

TEST(RelayCleaningTest, KeepsAFamilyThatIsCalledCreatedItself) {
  const char* const body =
      "# TYPE c_total counter\nc_total 1\n# TYPE c_created gauge\nc_created 1.5e9\n";
  EXPECT_EQ(Clean(body), body);
}

TEST(RelayCleaningTest, PutsTogetherHelpTypeAndSamplesThatStandApart) {
  EXPECT_EQ(Clean("# HELP a A.\n# HELP h H.\n# TYPE a gauge\n# TYPE h histogram\n"
                  "a 1\nh_bucket{le=\"+Inf\"} 1\na{x=\"1\"} 1\nh_count 1\nh_sum 1\n"),
            "# HELP a A.\n# TYPE a gauge\na 1\na{x=\"1\"} 1\n"
            "# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n");
}

TEST(RelayCleaningTest, PutsTogetherTheFamiliesOfOneTextBehindAnother) {
  const std::string one =
      "# TYPE c counter\nc_total{w=\"1\"} 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\n"
      "h_count 1\n";
  const std::string other = "# TYPE c counter\nc_total{w=\"2\"} 1\n# TYPE h summary\nh_sum 7\n";
  EXPECT_EQ(Clean(one + other),
            "# TYPE c_total counter\nc_total{w=\"1\"} 1\nc_total{w=\"2\"} 1\n"
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n");
}

TEST(RelayCleaningTest, DropsAndKeepsFamiliesByName) {
  const std::string body =
      "# TYPE go_gc summary\ngo_gc_sum 1\ngo_gc_count 1\n# HELP go G.\ngo 1\n"
      "# TYPE node_a histogram\nnode_a_bucket{le=\"+Inf\"} 1\nnode_a_count 1\nnode_a_sum 1\n"
      "node_b 1\nother 1\n";
  ForwardConfig config = NodeExporterConfig();
  config.drop = {"go_*", "node_a"};
  EXPECT_EQ(Clean(body, config), "# HELP go G.\ngo 1\nnode_b 1\nother 1\n");
  config.keep = {"node_*", "go_gc"};
  EXPECT_EQ(Clean(body, config), "node_b 1\n");
  config.drop = {"*"};
  EXPECT_EQ(Clean(body, config), "");
}

TEST(RelayCleaningTest, LeavesOutWhatIsExcludedByItsExactName) {
  RelayRig rig;
  rig.exclude = {"a", "c_total"};
  EXPECT_EQ(rig.Clean("a 1\naa 1\n# TYPE c counter\nc_total 1\nd 1\n"), "aa 1\nd 1\n");
}

TEST(RelayCleaningTest, ValidatesWhatItDrops) {
  ForwardConfig config = NodeExporterConfig();
  config.drop = {"go_*"};
  RelayRig rig(config);
  EXPECT_EQ(rig.Read("go_x{a=\"1\" 1\nm 1\n").kind, RelayOutcome::Kind::kFailed);
}

TEST(RelayCleaningTest, WritesALineLongerThanItsBuffer) {
  const std::string body = "a 1\nm{x=\"" + std::string(100'000, 'y') + "\"} 1\nz 1\n";
  EXPECT_EQ(Clean(body), body);
}

}  // namespace
}  // namespace promplug::testing
