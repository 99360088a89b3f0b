// SPDX-License-Identifier: MIT
#include "config/keys.hpp"

#include <gmock/gmock.h>

#include <charconv>
#include <cmath>

#include "config/forward.hpp"
#include "unit/config/config_support.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

TEST(ConfigKeys, DefaultsOfTheTableAreThoseOfTheStructs) {
  Config from_table;
  {
    Sources sources;
    for (const auto& key : ConfigKeys()) {
      if (key.name == "pushgateway.instance") continue;
      sources.overrides.emplace_back(key.name, key.default_text);
    }
    from_table = sources.Good();
  }
  const Config config = Sources().Good();
  EXPECT_EQ(from_table.scrape.path, config.scrape.path);
  EXPECT_EQ(from_table.scrape.listen, config.scrape.listen);
  EXPECT_EQ(from_table.scrape.max_requests_in_flight, config.scrape.max_requests_in_flight);
  EXPECT_EQ(from_table.scrape.timeout_seconds, config.scrape.timeout_seconds);
  EXPECT_EQ(from_table.scrape.compression, config.scrape.compression);
  EXPECT_EQ(from_table.scrape.created_series, config.scrape.created_series);
  EXPECT_EQ(from_table.pushgateway.url, config.pushgateway.url);
  EXPECT_EQ(from_table.pushgateway.interval_seconds, config.pushgateway.interval_seconds);
  EXPECT_EQ(from_table.pushgateway.timeout_seconds, config.pushgateway.timeout_seconds);
  EXPECT_EQ(from_table.pushgateway.job, config.pushgateway.job);
  EXPECT_EQ(from_table.pushgateway.labels, config.pushgateway.labels);
  EXPECT_EQ(from_table.pushgateway.method, config.pushgateway.method);
  EXPECT_EQ(from_table.pushgateway.on_stop, config.pushgateway.on_stop);
  EXPECT_EQ(from_table.pushgateway.gzip, config.pushgateway.gzip);
  EXPECT_EQ(from_table.pushgateway.headers, config.pushgateway.headers);
  EXPECT_EQ(from_table.collectors.timeout_seconds, config.collectors.timeout_seconds);
  EXPECT_EQ(from_table.collectors.max_output_bytes, config.collectors.max_output_bytes);
  EXPECT_EQ(from_table.limits.max_series_per_family, config.limits.max_series_per_family);
  EXPECT_EQ(from_table.limits.series_expiry_seconds, config.limits.series_expiry_seconds);
  EXPECT_EQ(from_table.multiprocess.dir, config.multiprocess.dir);
  EXPECT_EQ(from_table.multiprocess.on_restart, config.multiprocess.on_restart);
  EXPECT_EQ(from_table.multiprocess.collect_interval_seconds,
            config.multiprocess.collect_interval_seconds);
  EXPECT_EQ(from_table.multiprocess.allow_disk, config.multiprocess.allow_disk);
  EXPECT_EQ(from_table.multiprocess.max_segment_bytes, config.multiprocess.max_segment_bytes);
  EXPECT_EQ(from_table.process_metrics, config.process_metrics);
  EXPECT_EQ(from_table.self_metrics, config.self_metrics);
  EXPECT_EQ(from_table.log_level, config.log_level);
  ASSERT_EQ(from_table.forward.size(), 1u);
  ASSERT_EQ(config.forward.size(), 1u);
  EXPECT_EQ(from_table.forward[0].url, config.forward[0].url);
}

TEST(ConfigKeys, DefaultsOfAnExporterAreThoseOfTheStruct) {
  std::string entry;
  for (const auto& key : ForwardKeys()) {
    entry += std::string(entry.empty() ? "[{" : ", ") + std::string(key.name) + ": " +
             std::string(key.default_text);
  }
  const Config config = Overrides({{"forward", entry + "}]"}}).Good();
  ASSERT_EQ(config.forward.size(), 1u);
  const ForwardConfig expected = DefaultForward();
  EXPECT_EQ(config.forward[0].job, expected.job);
  EXPECT_EQ(config.forward[0].url, expected.url);
  EXPECT_EQ(config.forward[0].timeout_seconds, expected.timeout_seconds);
  EXPECT_EQ(config.forward[0].keep, expected.keep);
  EXPECT_EQ(config.forward[0].drop, expected.drop);
  EXPECT_EQ(config.forward[0].max_bytes, expected.max_bytes);
  EXPECT_EQ(config.forward[0].when_gone, expected.when_gone);
}

struct Range {
  double low = 0;
  double high = 0;
};

// From "... from LOW to HIGH".
std::optional<Range> StatedRange(std::string_view expected) {
  const size_t from = expected.find(" from ");
  const size_t to = expected.find(" to ", from == std::string_view::npos ? 0 : from);
  if (from == std::string_view::npos || to == std::string_view::npos) return std::nullopt;
  Range range;
  std::from_chars(expected.data() + from + 6, expected.data() + to, range.low);
  std::from_chars(expected.data() + to + 4, expected.data() + expected.size(), range.high);
  return range;
}

std::string Text(double number) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number, std::chars_format::fixed);
  return {buffer, end.ptr};
}

void ExpectRange(std::string_view expected,
                 const std::function<Sources(const std::string&)>& with) {
  const std::optional<Range> range = StatedRange(expected);
  ASSERT_TRUE(range.has_value()) << expected;
  const double step = expected.find("whole") == std::string_view::npos ? 0.001 : 1;
  with(Text(range->low)).Good();
  with(Text(range->high)).Good();
  for (const double outside : {range->low - step, range->high + step}) {
    EXPECT_THAT(with(Text(outside)).Error(), HasSubstr(std::string(expected)));
  }
}

TEST(ConfigKeys, NumbersAreTakenWithinTheRangeThatTheTableStatesAndNotBeyond) {
  size_t checked = 0;
  for (const auto& key : ConfigKeys()) {
    if (!StatedRange(key.expected)) continue;
    ++checked;
    ExpectRange(key.expected, [&key](const std::string& text) {
      return Overrides({{"pushgateway.interval_seconds", "86400"}, {std::string(key.name), text}});
    });
  }
  for (const auto& key : ForwardKeys()) {
    if (!StatedRange(key.expected)) continue;
    ++checked;
    ExpectRange(key.expected, [&key](const std::string& text) {
      return Overrides({{"pushgateway.interval_seconds", "86400"},
                        {"forward", "[{" + std::string(key.name) + ": " + text + "}]"}});
    });
  }
  EXPECT_EQ(checked, 10u);
}

TEST(ConfigKeys, EachKeyIsReadFromTheFileIntoItsField) {
  const Config config = File(R"(
scrape:
  path: /m
  listen: "[::1]:9400"
  max_requests_in_flight: 3
  timeout_seconds: 1.5
  compression: none
  created_series: false
pushgateway:
  url: https://gw.example/prefix/
  interval_seconds: 60
  timeout_seconds: 9
  job: "фото api"
  instance: a/b
  labels: {zone: eu-1, shard: 007}
  method: POST
  on_stop: delete
  compression: none
  headers: {X-Scope-OrgID: photos, Authorization: Bearer abc}
forward:
  - {job: a, url: "127.0.0.1:1", timeout_seconds: 2, keep: [x], drop: [y_*, z], max_bytes: 2048,
     when_gone: keep}
  - {}
collectors: {timeout_seconds: 0.25, max_output_bytes: 4096}
limits: {max_series_per_family: 12, series_expiry_seconds: 3600}
multiprocess: {dir: /run/photo, on_restart: Clear, collect_interval_seconds: 0.5, allow_disk: true,
               max_segment_bytes: 65536}
process_metrics: false
self_metrics: False
log_level: error
)")
                            .Good();
  EXPECT_EQ(config.scrape.path, "/m");
  EXPECT_EQ(config.scrape.listen, "[::1]:9400");
  EXPECT_EQ(config.scrape.max_requests_in_flight, 3u);
  EXPECT_EQ(config.scrape.timeout_seconds, 1.5);
  EXPECT_EQ(config.scrape.compression, ScrapeCompression::kNone);
  EXPECT_FALSE(config.scrape.created_series);
  EXPECT_EQ(config.pushgateway.url, "https://gw.example/prefix");
  EXPECT_EQ(config.pushgateway.interval_seconds, 60u);
  EXPECT_EQ(config.pushgateway.timeout_seconds, 9);
  EXPECT_EQ(config.pushgateway.job, "фото api");
  EXPECT_EQ(config.pushgateway.instance, "a/b");
  EXPECT_THAT(config.pushgateway.labels, ElementsAre(Pair("zone", "eu-1"), Pair("shard", "007")));
  EXPECT_EQ(config.pushgateway.method, PushMethod::kPost);
  EXPECT_EQ(config.pushgateway.on_stop, OnStop::kDelete);
  EXPECT_FALSE(config.pushgateway.gzip);
  EXPECT_THAT(config.pushgateway.headers,
              ElementsAre(Pair("X-Scope-OrgID", "photos"), Pair("Authorization", "Bearer abc")));
  ASSERT_EQ(config.forward.size(), 2u);
  EXPECT_EQ(config.forward[0].job, "a");
  EXPECT_EQ(config.forward[0].url, "http://127.0.0.1:1/metrics");
  EXPECT_EQ(config.forward[0].timeout_seconds, 2);
  EXPECT_THAT(config.forward[0].keep, ElementsAre("x"));
  EXPECT_THAT(config.forward[0].drop, ElementsAre("y_*", "z"));
  EXPECT_EQ(config.forward[0].max_bytes, 2048u);
  EXPECT_EQ(config.forward[0].when_gone, WhenGone::kKeep);
  EXPECT_EQ(config.forward[1].job, "node_exporter");
  EXPECT_EQ(config.collectors.timeout_seconds, 0.25);
  EXPECT_EQ(config.collectors.max_output_bytes, 4096u);
  EXPECT_EQ(config.limits.max_series_per_family, 12u);
  EXPECT_EQ(config.limits.series_expiry_seconds, 3600u);
  EXPECT_EQ(config.multiprocess.dir, "/run/photo");
  EXPECT_EQ(config.multiprocess.on_restart, OnRestart::kClear);
  EXPECT_EQ(config.multiprocess.collect_interval_seconds, 0.5);
  EXPECT_TRUE(config.multiprocess.allow_disk);
  EXPECT_EQ(config.multiprocess.max_segment_bytes, 65536u);
  EXPECT_FALSE(config.process_metrics);
  EXPECT_FALSE(config.self_metrics);
  EXPECT_EQ(config.log_level, LogLevel::kError);
  EXPECT_EQ(config.push_off_reason, "");
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(ConfigKeys, EveryVariableIsReadAndTheWidelyKnownOneWins) {
  for (const auto& key : ConfigKeys()) {
    // NUL is acceptable nowhere, so the error shows which variable was read.
    const std::string bad("\0", 1);
    const std::string generic = GenericVariable(key.name);
    EXPECT_THAT(Variables({{generic, bad}}).Error(),
                ::testing::StartsWith("environment variable " + generic + ":"));
    if (key.variable.empty()) continue;
    EXPECT_THAT(Variables({{std::string(key.variable), bad}}).Error(),
                ::testing::StartsWith("environment variable " + std::string(key.variable) + ":"));
  }
  EXPECT_EQ(Variables({{"INSTANCE_IP", "10.0.0.1"}, {"PROMPLUG_PUSHGATEWAY_INSTANCE", "b"}})
                .Good()
                .pushgateway.instance,
            "10.0.0.1");
}

}  // namespace
}  // namespace promplug
