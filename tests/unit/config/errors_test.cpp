// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "unit/config/config_support.hpp"

namespace promplug {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

struct BadFile {
  std::string text;
  std::string line;
  std::string key;
  std::string value;
  std::string expected;
};

// Without a name that gtest would print byte by byte.
void PrintTo(const BadFile& bad, std::ostream* out) { *out << bad.text; }

class ConfigFileError : public ::testing::TestWithParam<BadFile> {};

TEST_P(ConfigFileError, NamesFileLineKeyValueAndWhatIsExpected) {
  const BadFile& bad = GetParam();
  const std::string error = File(bad.text).Error();
  EXPECT_THAT(error, HasSubstr("promplug.yaml:" + bad.line + ": "));
  EXPECT_THAT(error, HasSubstr(bad.key));
  EXPECT_THAT(error, HasSubstr(bad.value));
  EXPECT_THAT(error, HasSubstr(bad.expected));
  EXPECT_LT(error.size(), 504u) << "longer than the text of promplug_error";
}

INSTANTIATE_TEST_SUITE_P(
    WrongTypes, ConfigFileError,
    ::testing::Values(
        BadFile{"log_level: loud", "1", "log_level", "\"loud\"",
                "debug, info, warn (or warning) or error"},
        BadFile{"\n\nlog_level:", "3", "log_level", "nothing",
                "debug, info, warn (or warning) or error"},
        BadFile{"log_level: {a: b}", "1", "log_level", "a map", "debug, info"},
        BadFile{"self_metrics: 1", "1", "self_metrics", "\"1\"", "true or false"},
        BadFile{"process_metrics: [true]", "1", "process_metrics", "a list", "true or false"},
        BadFile{"scrape: on", "1", "scrape", "\"on\"", "a section with keys below it"},
        BadFile{"scrape: [path]", "1", "scrape", "a list", "a section with keys below it"},
        BadFile{"- scrape", "1", "the file", "a list", "keys and values"},
        BadFile{"just text", "1", "the file", "a text", "keys and values"},
        BadFile{"scrape:\n  path: [a]", "2", "scrape.path", "a list", "begins with \"/\""},
        BadFile{"scrape:\n  max_requests_in_flight: 1.5", "2", "scrape.max_requests_in_flight",
                "\"1.5\"", "a whole number from 1 to 1024"},
        BadFile{"scrape:\n  max_requests_in_flight: -1", "2", "scrape.max_requests_in_flight",
                "\"-1\"", "a whole number from 1 to 1024"},
        BadFile{"scrape:\n  timeout_seconds: 5s", "2", "scrape.timeout_seconds", "\"5s\"",
                "a number of seconds"},
        BadFile{"scrape:\n  timeout_seconds: nan", "2", "scrape.timeout_seconds", "\"nan\"",
                "a number of seconds"},
        BadFile{"scrape:\n  timeout_seconds: inf", "2", "scrape.timeout_seconds", "\"inf\"",
                "a number of seconds"},
        BadFile{"pushgateway:\n  interval_seconds: 20.5", "2", "pushgateway.interval_seconds",
                "\"20.5\"", "a whole number of seconds"},
        BadFile{"pushgateway:\n  interval_seconds: 99999999999999999999", "2",
                "pushgateway.interval_seconds", "\"99999999999999999999\"", "up to 86400"},
        BadFile{"pushgateway:\n  interval_seconds: ''", "2", "pushgateway.interval_seconds", "\"\"",
                "a whole number"},
        BadFile{"pushgateway:\n  labels: zone", "2", "pushgateway.labels", "\"zone\"", "a map"},
        BadFile{"pushgateway:\n  labels: [zone]", "2", "pushgateway.labels", "a list", "a map"},
        BadFile{"pushgateway:\n  labels:\n    zone: {a: b}", "3", "pushgateway.labels.zone",
                "a map", "a text of 1 to 1024"},
        BadFile{"pushgateway:\n  url: [http://a]", "2", "pushgateway.url", "a list", "a URL"},
        BadFile{"collectors:\n  max_output_bytes: 16MiB", "2", "collectors.max_output_bytes",
                "\"16MiB\"", "a whole number from 1024"},
        BadFile{"forward: none", "1", "forward", "\"none\"", "[] for none"},
        BadFile{"forward:", "1", "forward", "nothing", "[] for none"},
        BadFile{"forward:\n  - node", "2", "forward[0]", "\"node\"", "a map with job"},
        BadFile{"forward:\n  - drop: go_*", "2", "forward[0].drop", "\"go_*\"",
                "a list of metric family names"},
        BadFile{"forward:\n  - drop:", "2", "forward[0].drop", "nothing", "a list"},
        BadFile{"forward:\n  - keep:\n    - ok\n    - {}", "4", "forward[0].keep", "a map",
                "a list of metric family names"}));

INSTANTIATE_TEST_SUITE_P(
    ImpossibleValues, ConfigFileError,
    ::testing::Values(
        BadFile{"scrape: {path: metrics}", "1", "scrape.path", "\"metrics\"", "begins with"},
        BadFile{"scrape: {path: ''}", "1", "scrape.path", "\"\"", "begins with"},
        BadFile{"scrape: {path: /a?b}", "1", "scrape.path", "\"/a?b\"", "without \"?\""},
        BadFile{"scrape: {path: /a b}", "1", "scrape.path", "\"/a b\"", "spaces"},
        BadFile{"scrape: {listen: '9400'}", "1", "scrape.listen", "\"9400\"", "a port"},
        BadFile{"scrape: {listen: ':99999'}", "1", "scrape.listen", "\":99999\"", "0 to 65535"},
        BadFile{"scrape: {listen: 'myhost:9400'}", "1", "scrape.listen", "\"myhost:9400\"",
                "a host name is not looked up"},
        BadFile{"scrape: {listen: '::1:9400'}", "1", "scrape.listen", "\"::1:9400\"", "a port"},
        BadFile{"pushgateway: {url: 'ftp://h'}", "1", "pushgateway.url", "\"ftp://h\"",
                "http:// or https://"},
        BadFile{"pushgateway: {url: 'http://'}", "1", "pushgateway.url", "\"http://\"", "a host"},
        BadFile{"pushgateway: {url: 'http://h/metrics/job/x'}", "1", "pushgateway.url",
                "\"http://h/metrics/job/x\"", "the base URL of the Pushgateway"},
        BadFile{"pushgateway: {job: ''}", "1", "pushgateway.job", "\"\"", "UTF-8"},
        BadFile{"pushgateway: {job: \"a\\nb\"}", "1", "pushgateway.job", "\"a\\x0ab\"",
                "without control characters"},
        BadFile{"pushgateway: {job: " + std::string(1025, 'a') + "}", "1", "pushgateway.job",
                "\"aaa", "1 to 1024 bytes"},
        BadFile{"pushgateway:\n  instance: \"\"", "2", "pushgateway.instance", "\"\"", "UTF-8"},
        BadFile{"pushgateway: {labels: {job: x}}", "1", "pushgateway.labels.job", "\"x\"",
                "other than job, instance"},
        BadFile{"pushgateway: {labels: {instance: x}}", "1", "pushgateway.labels.instance", "\"x\"",
                "other than job, instance"},
        BadFile{"pushgateway: {labels: {__a: x}}", "1", "pushgateway.labels.__a", "\"x\"",
                "and __*"},
        BadFile{"pushgateway: {labels: {a-b: x}}", "1", "pushgateway.labels.a-b", "\"x\"",
                "a label name"},
        BadFile{"pushgateway: {labels: {a: ''}}", "1", "pushgateway.labels.a", "\"\"",
                "a text of 1 to 1024"},
        BadFile{"pushgateway: {method: patch}", "1", "pushgateway.method", "\"patch\"",
                "put or post"},
        BadFile{"pushgateway: {on_stop: keep}", "1", "pushgateway.on_stop", "\"keep\"",
                "push, delete or none"},
        BadFile{"scrape: {compression: zstd}", "1", "scrape.compression", "\"zstd\"",
                "auto, gzip or none"},
        BadFile{"pushgateway: {compression: zstd}", "1", "pushgateway.compression", "\"zstd\"",
                "gzip or none"},
        BadFile{"pushgateway:\n  headers:\n    content-type: x", "3",
                "pushgateway.headers.content-type", "not shown", "other than Content-Type"},
        BadFile{"pushgateway: {headers: {'a b': x}}", "1", "pushgateway.headers.a b", "not shown",
                "an HTTP header name"},
        BadFile{"pushgateway: {headers: {A: ''}}", "1", "pushgateway.headers.A", "not shown",
                "a text that is not empty"},
        BadFile{"pushgateway: {headers: {A: \"x\\r\\ny\"}}", "1", "pushgateway.headers.A",
                "not shown", "without CR, LF"},
        BadFile{"pushgateway: {headers: {A: x, a: y}}", "1", "pushgateway.headers.a", "not shown",
                "once, in whatever case"},
        BadFile{"pushgateway:\n  interval_seconds: 20\n  timeout_seconds: 20", "3",
                "pushgateway.timeout_seconds", "\"20\"",
                "below pushgateway.interval_seconds, which is 20"},
        BadFile{"pushgateway:\n  interval_seconds: 5\n  timeout_seconds: 16", "3",
                "pushgateway.timeout_seconds", "\"16\"", "which is 15"},
        BadFile{"forward:\n  - {}\n  - timeout_seconds: 30\n    job: b\n    url: h", "3",
                "forward[1].timeout_seconds", "\"30\"", "which is 30"},
        BadFile{"forward:\n  - job: photo-api\n    url: h", "2", "forward[0].job", "\"photo-api\"",
                "another job than \"photo-api\""},
        BadFile{"pushgateway:\n  job: node_exporter", "2", "pushgateway.job", "\"node_exporter\"",
                "another job than \"node_exporter\""},
        BadFile{"forward:\n  - {}\n  - {}", "3", "forward[1].job", "\"node_exporter\"",
                "of forward[0]"},
        BadFile{"forward:\n  - {job: a, url: h}\n  - {url: g, job: a}", "3", "forward[1].job",
                "\"a\"", "another job than \"a\" of forward[0]"},
        BadFile{"forward:\n  - url: h", "2", "forward[0]", "no job", "job and url, or neither"},
        BadFile{"forward:\n  - job: h", "2", "forward[0]", "no url", "job and url, or neither"},
        BadFile{"forward: [{url: 'file:///etc/passwd', job: a}]", "1", "forward[0].url",
                "\"file:///etc/passwd\"", "http:// or https://"},
        BadFile{"forward: [{keep: ['a*b']}]", "1", "forward[0].keep", "\"a*b\"",
                "\"*\" at the end"},
        BadFile{"forward: [{keep: ['']}]", "1", "forward[0].keep", "\"\"", "family names"},
        BadFile{"forward: [{when_gone: drop}]", "1", "forward[0].when_gone", "\"drop\"",
                "delete or keep"},
        BadFile{"forward: [{max_bytes: 0}]", "1", "forward[0].max_bytes", "\"0\"",
                "a whole number from 1024"}));

INSTANTIATE_TEST_SUITE_P(
    UnknownKeys, ConfigFileError,
    ::testing::Values(
        BadFile{"scrap: {}", "1", "\"scrap\"", "", "did you mean \"scrape\"?"},
        BadFile{"pushgatway:\n  url: x", "1", "\"pushgatway\"", "",
                "did you mean \"pushgateway\"?"},
        BadFile{"\npushgateway:\n  intervall_seconds: 1", "3", "\"pushgateway.intervall_seconds\"",
                "", "did you mean \"pushgateway.interval_seconds\"?"},
        BadFile{"pushgateway:\n  timeout: 1", "2", "\"pushgateway.timeout\"", "",
                "did you mean \"pushgateway.timeout_seconds\"?"},
        BadFile{"interval_seconds: 20", "1", "\"interval_seconds\"", "",
                "did you mean \"pushgateway.interval_seconds\"?"},
        BadFile{"colour: red", "1", "\"colour\"", "",
                "expected one of collectors, forward, limits, log_level, multiprocess, "
                "process_metrics, "
                "pushgateway, scrape, self_metrics"},
        BadFile{"limits: {colour: red}", "1", "\"limits.colour\"", "",
                "expected one of max_series_per_family, series_expiry_seconds"},
        BadFile{"forward:\n  - job: a\n    ulr: b", "3", "\"forward[0].ulr\"", "",
                "did you mean \"forward[0].url\"?"},
        BadFile{"forward: [{colour: a}]", "1", "\"forward[0].colour\"", "",
                "expected one of job, url, timeout_seconds, keep, drop, max_bytes, when_gone"},
        BadFile{"scrape.path: /m", "1", "scrape.path", "a dotted key", "nested keys"},
        BadFile{std::string(900, 'k') + ": 1", "1", "\"kkk", "...\"", "expected one of"},
        BadFile{"12: x", "1", "\"12\"", "", "expected one of"},
        BadFile{"<<: {scrape: {}}", "1", "\"<<\"", "", "expected one of"}));

INSTANTIATE_TEST_SUITE_P(
    NotOurYaml, ConfigFileError,
    ::testing::Values(
        BadFile{"log_level: info\nlog_level: warn", "2", "\"log_level\"", "set twice",
                "first on line 1"},
        BadFile{"scrape: {path: /a}\nlog_level: info\nscrape: {path: /b}", "3", "\"scrape\"",
                "set twice", "first on line 1"},
        BadFile{"log_level: &a info", "1", "", "an anchor", "expected the value itself"},
        BadFile{"scrape: &a {}", "1", "", "an anchor", "expected the value itself"},
        BadFile{"forward: &a []", "1", "", "an anchor", "expected the value itself"},
        BadFile{"forward:\n- *a", "2", "", "an alias", "expected the value itself"},
        BadFile{"*a : b", "1", "", "an alias", "expected a key"},
        BadFile{"log_level: !!str info", "1", "", "a tag", "expected the value itself"},
        BadFile{"scrape: !x {}", "1", "", "a tag", "expected the value itself"},
        BadFile{"? [a]\n: b", "1", "", "a list or a map as a key", "expected a name"},
        BadFile{"log_level: info\n---\nlog_level: warn", "2", "", "a second document",
                "one document"},
        BadFile{"scrape:\n\tpath: /m", "2", "", "character that cannot start", "expected YAML"},
        BadFile{"scrape: {path: /m", "1", "", "", "expected YAML"},
        BadFile{"a: b\nc: \"d", "2", "", "", "expected YAML"},
        BadFile{"log_level: info\nx: \x01", "2", "", "control characters", "expected YAML"},
        BadFile{"log_level: info\n\xff", "2", "", "UTF-8", "expected YAML"},
        BadFile{"log_level: info\n\njob: \xff", "3", "", "UTF-8", "expected YAML"},
        BadFile{"a: " + std::string(40, '['), "1", "", "nested too deeply", "16 levels"},
        BadFile{"a: " + std::string(100000, '['), "1", "", "nested too deeply", "16 levels"}));

TEST(ConfigError, NeverQuotesACredential) {
  const std::string secret = "s3cr3t";
  const std::vector<std::string> files = {
      "pushgateway: {url: 'http://user:s3cr3t@host:bad'}",
      "pushgateway: {url: 'http://user:s3cr3t@host/a b'}",
      "pushgateway: {url: 'http://user:pa/s3cr3t@host'}",
      "pushgateway: {url: 'http://user:12/s3cr3t@host'}",
      "pushgateway: {url: 'user:s3cr3t@'}",
      "pushgateway: {url: 'ftp://user:s3cr3t@host'}",
      "pushgateway: {url: 'http:/user:s3cr3t@host'}",
      "pushgateway: {url: 'http://host?token=s3cr3t'}",
      "pushgateway: {url: 'host?token=s3cr3t'}",
      "pushgateway: 'http://user:s3cr3t@host'",
      "pushgateway: {interval_seconds: 'http://user:s3cr3t@host'}",
      "pushgateway: {headers: 's3cr3t'}",
      "pushgateway: {headers: {Host: s3cr3t}}",
      "pushgateway: {headers: {A: \"s3cr3t\\n\"}}",
      "pushgateway: {headers: {A: [s3cr3t]}}",
      "pushgateway: {token: s3cr3t}",
      "forward: 'http://user:s3cr3t@host'",
      "forward: [{job: a, url: 'http://user:s3cr3t@'}]",
      "forward: [{job: a, url: 'http://user:s3cr3t@host/', colour: red}]",
      "forward: [{url: 'http://user:s3cr3t@host/'}]",
      "s3cr3t",
  };
  for (const std::string& file : files) {
    EXPECT_THAT(File(file).Error(), Not(HasSubstr(secret))) << file;
  }
  EXPECT_THAT(Variables({{"PROMETHEUS_PUSHGATEWAY_URL", "http://u:s3cr3t@h:x"}}).Error(),
              Not(HasSubstr(secret)));
  EXPECT_THAT(Variables({{"PROMPLUG_PUSHGATEWAY_HEADERS", "{A: s3cr3t"}}).Error(),
              Not(HasSubstr(secret)));
  EXPECT_THAT(Overrides({{"pushgateway.headers.Host", "s3cr3t"}}).Error(), Not(HasSubstr(secret)));
}

TEST(ConfigError, SaysWhatYamlDoesNotSay) {
  EXPECT_THAT(File("scrape:\n\tpath: /x\n").Error(),
              AllOf(HasSubstr("promplug.yaml:2: "), HasSubstr("with spaces, not with tabs")));
  for (const char* text : {"scrape:\n  listen: [::1]:9400\n", "scrape:\n  listen: [::]:9400"}) {
    EXPECT_THAT(File(text).Error(), AllOf(HasSubstr("promplug.yaml:2: "),
                                          HasSubstr("needs quotes, as in \"[::1]:9400\"")));
  }
  EXPECT_THAT(File("scrape: {listen: [::1]:9400}").Error(), HasSubstr("needs quotes"));
  EXPECT_THAT(File("scrape: {path: /x").Error(), Not(HasSubstr(";")));
}

TEST(ConfigError, NamesTheVariable) {
  EXPECT_EQ(Variables({{"PROMETHEUS_PUSH_INTERVAL_SECONDS", "soon"}}).Error(),
            "environment variable PROMETHEUS_PUSH_INTERVAL_SECONDS: pushgateway.interval_seconds: "
            "\"soon\", expected a whole number of seconds up to 86400");
  EXPECT_THAT(Variables({{"INSTANCE_IP", "\xff"}}).Error(),
              AllOf(StartsWith("environment variable INSTANCE_IP: pushgateway.instance: "),
                    HasSubstr("\"\\xff\""), HasSubstr("UTF-8")));
  EXPECT_THAT(Variables({{"PROMPLUG_FORWARD", "none"}}).Error(),
              AllOf(StartsWith("environment variable PROMPLUG_FORWARD: forward: \"none\""),
                    HasSubstr("[] for none")));
  EXPECT_THAT(Variables({{"PROMPLUG_FORWARD", "[{"}}).Error(),
              AllOf(StartsWith("environment variable PROMPLUG_FORWARD: "),
                    HasSubstr("expected YAML for forward")));
  EXPECT_THAT(Variables({{"PROMPLUG_PUSHGATEWAY_TIMEOUT_SECONDS", "40"}}).Error(),
              StartsWith("environment variable PROMPLUG_PUSHGATEWAY_TIMEOUT_SECONDS: "
                         "pushgateway.timeout_seconds: \"40\", expected a timeout below"));
}

TEST(ConfigError, NamesTheOverride) {
  EXPECT_EQ(Overrides({{"pushgateway.method", "PATCH"}}).Error(),
            "override: pushgateway.method: \"PATCH\", expected put or post");
  EXPECT_EQ(Overrides({{"pushgateway.metod", "put"}}).Error(),
            "override: unknown key \"pushgateway.metod\", did you mean \"pushgateway.method\"?");
  EXPECT_THAT(Overrides({{"pushgateway", "{}"}}).Error(), StartsWith("override: unknown key"));
  EXPECT_THAT(Overrides({{"", "x"}}).Error(), StartsWith("override: unknown key \"\""));
  EXPECT_THAT(Overrides({{"pushgateway.labels.", "x"}}).Error(), HasSubstr("a label name"));
  EXPECT_THAT(Overrides({{"pushgateway.labels.zone", ""}}).Error(),
              StartsWith("override: pushgateway.labels.zone: \"\", expected a text"));
  EXPECT_THAT(Overrides({{"pushgateway.instance", ""}}).Error(),
              StartsWith("override: pushgateway.instance: \"\""));
}

TEST(ConfigError, OfAnOverriddenSourceIsAnErrorStill) {
  Sources sources = File("pushgateway:\n  interval_seconds: soon\n");
  sources.variables["PROMETHEUS_PUSH_INTERVAL_SECONDS"] = "30";
  EXPECT_THAT(sources.Error(), HasSubstr("promplug.yaml:2"));
}

TEST(ConfigError, NamesTheEndOfALongPath) {
  ConfigDirectory directory;
  ConfigInput input;
  input.path = directory.Write("a: b", std::string(200, 'n') + ".yaml");
  const std::string error = LoadConfig(input).status().text();
  EXPECT_THAT(error, AllOf(StartsWith("..."), HasSubstr("nnn.yaml:1: unknown key \"a\"")));
}

}  // namespace
}  // namespace promplug
