// SPDX-License-Identifier: MIT
#include "config/load.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "unit/config/config_support.hpp"

namespace promplug {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kUrlVariable[] = "PROMETHEUS_PUSHGATEWAY_URL";
constexpr char kIntervalVariable[] = "PROMETHEUS_PUSH_INTERVAL_SECONDS";

TEST(LoadConfig, WithNothingConfiguredServesMetricsAndDoesNotPush) {
  const Result<Config> loaded = LoadConfig({});
  ASSERT_TRUE(loaded.ok()) << loaded.status().text();
  const Config& config = loaded.value();
  EXPECT_EQ(config.scrape.path, "/metrics");
  EXPECT_EQ(config.scrape.listen, "");
  EXPECT_EQ(config.pushgateway.url, "");
  EXPECT_EQ(config.pushgateway.interval_seconds, 30u);
  EXPECT_EQ(config.push_off_reason, "pushgateway.url is not set");
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(LoadConfig, ForwardsTheNodeExporterUnlessToldOtherwise) {
  const Config config = Sources().Good();
  ASSERT_EQ(config.forward.size(), 1u);
  EXPECT_EQ(config.forward[0].job, "node_exporter");
  EXPECT_EQ(config.forward[0].url, "http://127.0.0.1:9100/metrics");
  EXPECT_THAT(config.forward[0].drop, ElementsAre("go_*", "process_*", "promhttp_*"));
  EXPECT_THAT(config.forward[0].keep, IsEmpty());
  EXPECT_THAT(File("forward: []").Good().forward, IsEmpty());
  EXPECT_THAT(Variables({{"PROMPLUG_FORWARD", "[]"}}).Good().forward, IsEmpty());
}

TEST(LoadConfig, AnEmptyDropListRestoresTheFamiliesThatAreDroppedByDefault) {
  const Config config = File("forward:\n  - drop: []\n").Good();
  ASSERT_EQ(config.forward.size(), 1u);
  EXPECT_THAT(config.forward[0].drop, IsEmpty());
  EXPECT_EQ(config.forward[0].job, "node_exporter");
}

TEST(LoadConfig, AnotherExporterHasTheDefaultDropListToo) {
  const Config config = File("forward: [{job: a, url: 'http://127.0.0.1:1/x'}]").Good();
  ASSERT_EQ(config.forward.size(), 1u);
  EXPECT_THAT(config.forward[0].drop, ElementsAre("go_*", "process_*", "promhttp_*"));
}

TEST(LoadConfig, OverridesWinOverTheEnvironmentWhichWinsOverTheFile) {
  Sources sources = File("pushgateway: {url: 'http://file', job: file, interval_seconds: 20}");
  sources.variables = {{kUrlVariable, "http://variable"}, {"PROMPLUG_PUSHGATEWAY_JOB", "variable"}};
  sources.overrides = {{"pushgateway.url", "http://override"}};
  const Config config = sources.Good();
  EXPECT_EQ(config.pushgateway.url, "http://override");
  EXPECT_EQ(config.pushgateway.job, "variable");
  EXPECT_EQ(config.pushgateway.interval_seconds, 20u);
}

TEST(LoadConfig, OfTwoOverridesTheLaterCounts) {
  EXPECT_EQ(Overrides({{"pushgateway.job", "a"}, {"pushgateway.job", "b"}}).Good().pushgateway.job,
            "b");
}

TEST(LoadConfig, TakesThePathFromTheEnvironmentWhereTheHostGivesNone) {
  ConfigDirectory directory;
  const std::string path = directory.Write("pushgateway: {job: from-variable}");
  EXPECT_EQ(Variables({{"PROMPLUG_CONFIG", path}}).Good().pushgateway.job, "from-variable");
  EXPECT_EQ(Variables({{"PROMPLUG_CONFIG", ""}}).Good().pushgateway.job, "photo-api");
  Sources both = File("pushgateway: {job: from-host}");
  both.variables["PROMPLUG_CONFIG"] = path;
  EXPECT_EQ(both.Good().pushgateway.job, "from-host");
}

TEST(LoadConfig, AnEmptyUrlVariableTurnsPushOffWhateverTheFileSays) {
  Sources sources = File("pushgateway: {url: 'http://file'}");
  EXPECT_EQ(sources.Good().push_off_reason, "");
  sources.variables[kUrlVariable] = "";
  const Config config = sources.Good();
  EXPECT_EQ(config.pushgateway.url, "");
  EXPECT_EQ(config.push_off_reason, "PROMETHEUS_PUSHGATEWAY_URL is empty");
}

TEST(LoadConfig, SaysWhichSourceTurnedPushOff) {
  EXPECT_THAT(File("\npushgateway: {url: ''}").Good().push_off_reason,
              HasSubstr("promplug.yaml:2: pushgateway.url is empty"));
  EXPECT_EQ(Overrides({{"pushgateway.url", ""}}).Good().push_off_reason,
            "override: pushgateway.url is empty");
}

TEST(LoadConfig, RaisesAnIntervalBelowTheFloorFromEverySourceWithAWarning) {
  const std::vector<std::pair<Sources, std::string>> cases = {
      {File("pushgateway: {interval_seconds: 5}"), "promplug.yaml:1"},
      {Variables({{kIntervalVariable, "5"}}), kIntervalVariable},
      {Overrides({{"pushgateway.interval_seconds", "5"}}), "override"},
  };
  for (const auto& [sources, where] : cases) {
    const Config config = sources.Good();
    EXPECT_EQ(config.pushgateway.interval_seconds, 15u);
    EXPECT_THAT(config.warnings,
                ElementsAre(AllOf(HasSubstr(where), HasSubstr("pushgateway.interval_seconds"),
                                  HasSubstr("\"5\""), HasSubstr("15 is used"))));
  }
  for (const char* text : {"0", "14", "-3"}) {
    const Config config = Variables({{kIntervalVariable, text}}).Good();
    EXPECT_EQ(config.pushgateway.interval_seconds, 15u);
    EXPECT_THAT(config.warnings, ElementsAre(HasSubstr(text)));
  }
}

TEST(LoadConfig, TakesTheFloorItselfWithoutAWarning) {
  const Config config = Variables({{kIntervalVariable, "15"}}).Good();
  EXPECT_EQ(config.pushgateway.interval_seconds, 15u);
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(LoadConfig, DoesNotWarnOfAnIntervalThatAnotherSourceOverrides) {
  Sources sources = File("pushgateway: {interval_seconds: 5}");
  sources.variables[kIntervalVariable] = "40";
  EXPECT_EQ(sources.Good().pushgateway.interval_seconds, 40u);
  EXPECT_THAT(sources.Good().warnings, IsEmpty());
}

TEST(LoadConfig, AnEmptyVariableCountsAsNotSetWhereEmptyIsNoValue) {
  Sources sources = File("pushgateway: {interval_seconds: 40, labels: {a: b}}\nforward: []");
  sources.variables = {{kIntervalVariable, ""},
                       {"PROMPLUG_PUSHGATEWAY_LABELS", ""},
                       {"PROMPLUG_FORWARD", ""},
                       {"PROMPLUG_LOG_LEVEL", ""}};
  const Config config = sources.Good();
  EXPECT_EQ(config.pushgateway.interval_seconds, 40u);
  EXPECT_THAT(config.pushgateway.labels, ElementsAre(Pair("a", "b")));
  EXPECT_THAT(config.forward, IsEmpty());
}

TEST(LoadConfig, AnEmptyListenVariableTurnsTheListenerOff) {
  Sources sources = File("scrape: {listen: ':9400'}");
  EXPECT_EQ(sources.Good().scrape.listen, "127.0.0.1:9400");
  sources.variables["PROMPLUG_SCRAPE_LISTEN"] = "";
  EXPECT_EQ(sources.Good().scrape.listen, "");
}

TEST(LoadConfig, MapsAreReplacedAsAWholeAndOverriddenByEntry) {
  Sources sources = File("pushgateway: {labels: {a: '1', b: '2'}, headers: {X-A: one}}");
  sources.overrides = {{"pushgateway.labels.b", "3"},
                       {"pushgateway.labels.c", "4"},
                       {"pushgateway.headers.x-a", "two"},
                       {"pushgateway.headers.x.y", "three"}};
  Config config = sources.Good();
  EXPECT_THAT(config.pushgateway.labels,
              ElementsAre(Pair("a", "1"), Pair("b", "3"), Pair("c", "4")));
  EXPECT_THAT(config.pushgateway.headers, ElementsAre(Pair("x-a", "two"), Pair("x.y", "three")));
  sources.overrides.clear();
  sources.variables["PROMPLUG_PUSHGATEWAY_LABELS"] = "{z: '9'}";
  EXPECT_THAT(sources.Good().pushgateway.labels, ElementsAre(Pair("z", "9")));
}

TEST(LoadConfig, WarnsOfVariablesThatItDoesNotKnow) {
  const Config config = Variables({{"PROMPLUG_LOGLEVEL", "debug"},
                                   {"PROMPLUG_PUSHGATEWAY_LABELS_ZONE", "eu"},
                                   {"PROMPLUG_SO", "s3cr3t"},
                                   {"PROMPLUG_CONFIG", ""},
                                   {"PROMPLUG_PLUGIN", "/promplug.so"},
                                   {"PROMPLUG_SELF_METRICS", "true"},
                                   {"PROMETHEUS_SOMETHING", "else"},
                                   {"INSTANCE_IP", "i"}})
                            .Good();
  EXPECT_THAT(
      config.warnings,
      ElementsAre("environment variable \"PROMPLUG_LOGLEVEL\" is not known and has no effect, did "
                  "you mean PROMPLUG_LOG_LEVEL?",
                  "environment variable \"PROMPLUG_PUSHGATEWAY_LABELS_ZONE\" is not known and has "
                  "no effect, did you mean PROMPLUG_PUSHGATEWAY_LABELS?",
                  "environment variable \"PROMPLUG_SO\" is not known and has no effect"));
}

TEST(LoadConfig, WarnsOfAGatewayUrlThatEndsInMetrics) {
  const Config config =
      File("pushgateway:\n  url: http://u:s3cr3t@h:9091/metrics/\n  instance: i").Good();
  EXPECT_EQ(config.pushgateway.url, "http://u:s3cr3t@h:9091/metrics");
  EXPECT_THAT(config.warnings,
              ElementsAre(AllOf(HasSubstr("promplug.yaml:2: pushgateway.url: \"http://xxxxx@h:9091/"
                                          "metrics/\" ends in /metrics"),
                                HasSubstr("like http://pushgateway:9091?"))));
  EXPECT_THAT(File("pushgateway: {url: 'http://h/xmetrics', instance: i}").Good().warnings,
              IsEmpty());
}

TEST(LoadConfig, TakesTheLevelAsItIsWrittenInTheLog) {
  EXPECT_EQ(File("log_level: warn").Good().log_level, LogLevel::kWarn);
  EXPECT_EQ(File("log_level: Warning").Good().log_level, LogLevel::kWarn);
}

TEST(LoadConfig, TakesTheTextOfAVariableAsItIs) {
  const Config config = Variables({{"PROMPLUG_PUSHGATEWAY_JOB", "a: 'b' #c"}}).Good();
  EXPECT_EQ(config.pushgateway.job, "a: 'b' #c");
}

TEST(LoadConfig, GuessesTheInstanceWithAWarningThatNamesItAndTheVariable) {
  Sources sources = Variables({{kUrlVariable, "gw:9091"}});
  sources.guess = "10.1.2.3";
  const Config config = sources.Good();
  EXPECT_EQ(config.pushgateway.instance, "10.1.2.3");
  EXPECT_THAT(config.warnings, ElementsAre(AllOf(HasSubstr("\"10.1.2.3\""), HasSubstr("not set"),
                                                 HasSubstr("INSTANCE_IP"))));
}

TEST(LoadConfig, TreatsAnEmptyInstanceVariableAsNotSet) {
  Sources sources = Variables({{kUrlVariable, "gw:9091"}, {"INSTANCE_IP", ""}});
  const Config config = sources.Good();
  EXPECT_EQ(config.pushgateway.instance, "guessed-host");
  EXPECT_THAT(config.warnings,
              ElementsAre(AllOf(HasSubstr("INSTANCE_IP is empty"), HasSubstr("\"guessed-host\""))));
  sources.file = "pushgateway: {instance: from-file}";
  EXPECT_EQ(sources.Good().pushgateway.instance, "from-file");
  EXPECT_THAT(sources.Good().warnings, IsEmpty());
}

TEST(LoadConfig, DoesNotGuessWhatIsGivenOrNotNeeded) {
  int guesses = 0;
  Sources given = Variables({{kUrlVariable, "gw:9091"}, {"INSTANCE_IP", "10.0.0.5"}});
  given.guesses = &guesses;
  EXPECT_EQ(given.Good().pushgateway.instance, "10.0.0.5");
  EXPECT_THAT(given.Good().warnings, IsEmpty());
  Sources off;
  off.guesses = &guesses;
  EXPECT_THAT(off.Good().warnings, IsEmpty());
  EXPECT_EQ(guesses, 0);
}

TEST(LoadConfig, RefusesToPushWhereNoInstanceCanBeGuessed) {
  for (const char* guess : {"", "\xff"}) {
    Sources sources = Variables({{kUrlVariable, "gw:9091"}});
    sources.guess = guess;
    EXPECT_THAT(sources.Error(), HasSubstr("expected INSTANCE_IP or pushgateway.instance"));
  }
}

TEST(LoadConfig, AnEmptyFileAndEmptySectionsAreTheDefaults) {
  for (const char* text : {"", "# nothing\n", "---\n", "scrape:\npushgateway:\n  labels:\n", "{}",
                           "\xEF\xBB\xBFlog_level: info\n", "log_level: info\r\n"}) {
    EXPECT_EQ(File(std::string(text) + "\n").Good().scrape.path, "/metrics") << text;
  }
}

TEST(LoadConfig, TakesQuotedNumbersAndWordsInAnyCase) {
  const Config config =
      File("pushgateway: {interval_seconds: '45', method: Post}\nself_metrics: FALSE").Good();
  EXPECT_EQ(config.pushgateway.interval_seconds, 45u);
  EXPECT_EQ(config.pushgateway.method, PushMethod::kPost);
  EXPECT_FALSE(config.self_metrics);
}

TEST(LoadConfig, NamesAFileThatCannotBeRead) {
  ConfigDirectory directory;
  const auto error = [](const std::string& path) {
    ConfigInput input;
    input.path = path;
    const Result<Config> config = LoadConfig(input);
    EXPECT_EQ(config.status().code(), Code::kConfig);
    return config.status().text();
  };
  const std::string missing = directory.path() + "/missing.yaml";
  EXPECT_EQ(error(missing), missing +
                                ": there is no such file, expected a readable YAML file of "
                                "at most 1 MiB");
  EXPECT_THAT(error(directory.path()), HasSubstr("it is a directory"));
  EXPECT_THAT(error("/dev/null"), HasSubstr("it is no regular file"));
  EXPECT_THAT(error(directory.Write("") + "/x"), HasSubstr("no directory"));
  EXPECT_THAT(error(std::string("a\0b", 3)), HasSubstr("NUL in the path"));
  const std::string pipe = directory.Write("", "pipe");
  ASSERT_EQ(unlink(pipe.c_str()), 0);
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(error(pipe), HasSubstr("it is no regular file"));
}

TEST(LoadConfig, RefusesAFileOfMoreThanOneMebibyte) {
  const std::string megabyte((1u << 20) - 1, '#');
  EXPECT_EQ(File(megabyte + "\n").Good().scrape.path, "/metrics");
  EXPECT_THAT(File(megabyte + "#\n").Error(), HasSubstr("larger than 1 MiB"));
}

TEST(LoadConfig, ReadsThisProcessThroughTheSystemInput) {
  const ConfigInput input = SystemConfigInput();
  EXPECT_EQ(input.environment("PROMPLUG_SURELY_NOT_SET"), std::nullopt);
  EXPECT_TRUE(input.environment("PATH").has_value());
  EXPECT_THAT(input.variable_names(), ::testing::Contains("PATH"));
  EXPECT_NE(input.guess_instance(), "");
}

}  // namespace
}  // namespace promplug
