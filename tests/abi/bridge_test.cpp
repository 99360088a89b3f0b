// SPDX-License-Identifier: MIT
#include "promplug/prometheus_cpp.hpp"

#include <gmock/gmock.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <stdexcept>

#include "wrapper_host.hpp"

namespace promplug::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string AsText(const prometheus::Collectable& collectable) {
  return prometheus::TextSerializer().Serialize(collectable.Collect());
}

std::shared_ptr<prometheus::Registry> PhotoRegistry() {
  auto registry = std::make_shared<prometheus::Registry>();
  prometheus::BuildCounter()
      .Name("uploads_total")
      .Help("Uploads.")
      .Labels({{"zone", "a"}})
      .Register(*registry)
      .Add({{"kind", "jpeg \"raw\""}})
      .Increment(3);
  prometheus::BuildGauge().Name("albums").Help("h").Register(*registry).Add({}).Set(-2.5);
  auto& sizes = prometheus::BuildHistogram().Name("sizes").Help("h").Register(*registry).Add(
      {}, prometheus::Histogram::BucketBoundaries{1, 2});
  sizes.Observe(1.5);
  sizes.Observe(9);
  prometheus::BuildSummary()
      .Name("times")
      .Help("h")
      .Register(*registry)
      .Add({}, prometheus::Summary::Quantiles{{0.5, 0.05}})
      .Observe(4);
  return registry;
}

TEST(BridgeTest, EveryTypeOfARegistryIsServedByThePlugin) {
  auto plugin = RunningPlugin();
  auto bridge = Bridge(plugin, "photos", PhotoRegistry()).OrThrow();
  const auto body = Exposition(plugin);
  EXPECT_THAT(body,
              AllOf(HasSubstr("# HELP uploads_total Uploads.\n# TYPE uploads_total counter\n"),
                    HasSubstr("# TYPE albums gauge\nalbums -2.5\n"),
                    HasSubstr("# TYPE sizes histogram\nsizes_bucket{le=\"1\"} 0\n"
                              "sizes_bucket{le=\"2\"} 1\nsizes_bucket{le=\"+Inf\"} 2\n"
                              "sizes_sum 10.5\nsizes_count 2\n"),
                    HasSubstr("times{quantile=\"0.5\"} 4\ntimes_sum 4\ntimes_count 1\n")));
  EXPECT_THAT(body, HasSubstr("kind=\"jpeg \\\"raw\\\"\""));
  EXPECT_THAT(body, HasSubstr("zone=\"a\""));
}

TEST(BridgeTest, WhatTheRegistryCountsLaterIsServedToo) {
  auto plugin = RunningPlugin();
  auto registry = std::make_shared<prometheus::Registry>();
  auto& gauge = prometheus::BuildGauge().Name("photos").Help("h").Register(*registry).Add({});
  auto bridge = Bridge(plugin, "photos", registry).OrThrow();
  EXPECT_THAT(Exposition(plugin), HasSubstr("\nphotos 0\n"));
  gauge.Increment();
  EXPECT_THAT(Exposition(plugin), HasSubstr("\nphotos 1\n"));
}

class Timestamped : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    prometheus::MetricFamily family;
    family.name = "measured";
    family.type = prometheus::MetricType::Untyped;
    family.metric.resize(1);
    family.metric[0].untyped.value = 7;
    family.metric[0].timestamp_ms = 1700000000123;
    return {family};
  }
};

TEST(BridgeTest, AnUntypedMetricKeepsItsTimestamp) {
  auto plugin = RunningPlugin();
  auto bridge = Bridge(plugin, "measured", std::make_shared<Timestamped>()).OrThrow();
  EXPECT_THAT(Exposition(plugin), HasSubstr("measured 7 1700000000123\n"));
}

class Throwing : public prometheus::Collectable {
 public:
  std::vector<prometheus::MetricFamily> Collect() const override {
    throw std::runtime_error("no database");
  }
};

TEST(BridgeTest, ACollectableThatThrowsCostsItsOwnOutputOnly) {
  auto plugin = RunningPlugin();
  auto bad = Bridge(plugin, "bad", std::make_shared<Throwing>()).OrThrow();
  auto good = Bridge(plugin, "good", PhotoRegistry()).OrThrow();
  EXPECT_THAT(Exposition(plugin), HasSubstr("albums -2.5\n"));
  EXPECT_EQ(plugin.Status().collector_failures, 1u);
}

TEST(BridgeTest, ThePluginsInstrumentsAreCollectedByPrometheusCpp) {
  auto plugin = RunningPlugin();
  plugin.Counter("requests_total", "Requests.", {"method"}).Add(3, "GET");
  plugin.Gauge("in_flight", "h").Set(2);
  FamilyOptions options;
  options.buckets = {1, 2};
  plugin.Histogram("latency", "h", {}, options).Observe(1.5);
  options = FamilyOptions();
  options.quantiles = {0.5};
  plugin.Summary("size", "h", {}, options).Observe(4);
  auto info = plugin.Info("build", "h", {"version"}).Labels("1.2");
  auto mode = plugin.Stateset("mode", "h", {"idle", "busy"}).Labels();
  mode.Set(1, true);
  const auto text = AsText(PluginCollectable(plugin, PROMPLUG_GATHER_INSTRUMENTS));
  EXPECT_THAT(
      text,
      AllOf(HasSubstr("# HELP requests_total Requests.\n# TYPE requests_total counter\n"
                      "requests_total{method=\"GET\"} 3\n"),
            HasSubstr("# TYPE in_flight gauge\nin_flight 2\n"),
            HasSubstr("latency_count 1\nlatency_sum 1.5\nlatency_bucket{le=\"1\"} 0\n"
                      "latency_bucket{le=\"2\"} 1\nlatency_bucket{le=\"+Inf\"} 1\n"),
            HasSubstr("size_count 1\nsize_sum 4\n"), HasSubstr("build_info{version=\"1.2\"} 1\n"),
            HasSubstr("mode{mode=\"busy\"} 1\n")));
}

TEST(BridgeTest, WhatCameOverTheBridgeDoesNotComeBackUnlessAskedFor) {
  auto plugin = RunningPlugin();
  auto bridge = Bridge(plugin, "photos", PhotoRegistry()).OrThrow();
  plugin.Counter("requests_total", "h").Inc();
  EXPECT_THAT(AsText(PluginCollectable(plugin)),
              AllOf(HasSubstr("requests_total 1\n"), Not(HasSubstr("uploads_total"))));
  EXPECT_THAT(AsText(PluginCollectable(plugin, PROMPLUG_GATHER_COLLECTORS)),
              HasSubstr("uploads_total"));
}

TEST(BridgeTest, APluginThatIsBridgedToItselfStillAnswers) {
  auto plugin = RunningPlugin();
  plugin.Counter("requests_total", "h").Inc();
  auto itself = Bridge(plugin, "itself", std::make_shared<PluginCollectable>(plugin)).OrThrow();
  EXPECT_THAT(Exposition(plugin), HasSubstr("requests_total 1\n"));
}

TEST(BridgeTest, WithoutAPluginThereIsNothingToCollect) {
  Plugin plugin;
  EXPECT_TRUE(Bridge(plugin, "photos", PhotoRegistry()));
  EXPECT_THAT(PluginCollectable(plugin).Collect(), IsEmpty());
}

}  // namespace
}  // namespace promplug::host
