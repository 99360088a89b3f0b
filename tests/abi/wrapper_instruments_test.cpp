// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include "wrapper_host.hpp"

namespace promplug::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(WrapperInstrumentsTest, ACounterCountsThroughItsSeriesAndThroughItsFamily) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "Requests.", {"method", "route", "status"});
  auto get = requests.Labels("GET", "/photos", 200);
  get.Inc();
  get.Add(1.5);
  requests.Inc("GET", "/photos", 200);
  requests.Add(2, std::string("PUT"), "/photos", 201);
  EXPECT_THAT(
      Exposition(plugin),
      AllOf(HasSubstr("# HELP requests_total Requests.\n# TYPE requests_total counter\n"),
            HasSubstr("requests_total{method=\"GET\",route=\"/photos\",status=\"200\"} 3.5\n"),
            HasSubstr("requests_total{method=\"PUT\",route=\"/photos\",status=\"201\"} 2\n")));
}

TEST(WrapperInstrumentsTest, AGaugeIsSetAndMoved) {
  auto plugin = RunningPlugin();
  auto queue = plugin.Gauge("queue_length", "h").Labels();
  queue.Set(10);
  queue.Dec();
  queue.Add(-2);
  queue.Inc();
  EXPECT_THAT(Exposition(plugin), HasSubstr("queue_length 8\n"));
}

TEST(WrapperInstrumentsTest, AHistogramHasTheBucketsThatWereAskedFor) {
  auto plugin = RunningPlugin();
  FamilyOptions options;
  options.buckets = {1, 2.5};
  auto latency = plugin.Histogram("latency_seconds", "h", {"route"}, options);
  latency.Observe(2, "/a");
  latency.Labels("/a").Observe(3);
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("latency_seconds_bucket{route=\"/a\",le=\"1\"} 0\n"),
                    HasSubstr("latency_seconds_bucket{route=\"/a\",le=\"2.5\"} 1\n"),
                    HasSubstr("latency_seconds_bucket{route=\"/a\",le=\"+Inf\"} 2\n"),
                    HasSubstr("latency_seconds_sum{route=\"/a\"} 5\n"),
                    HasSubstr("latency_seconds_count{route=\"/a\"} 2\n")));
}

TEST(WrapperInstrumentsTest, ASummaryHasTheQuantilesThatWereAskedFor) {
  auto plugin = RunningPlugin();
  FamilyOptions options;
  options.quantiles = {0.5};
  auto sizes = plugin.Summary("size_bytes", "h", {}, options);
  for (int i = 0; i < 3; ++i) sizes.Observe(4);
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("size_bytes{quantile=\"0.5\"} "), HasSubstr("size_bytes_sum 12\n"),
                    HasSubstr("size_bytes_count 3\n")));
}

TEST(WrapperInstrumentsTest, InfoAndStatesetAreExposedAsTheTextFormatHasThem) {
  auto plugin = RunningPlugin();
  auto info = plugin.Info("build", "h", {"version"}).Labels("1.2");
  auto mode = plugin.Stateset("mode", "h", {"idle", "busy"}).Labels();
  mode.Set(1, true);
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("build_info{version=\"1.2\"} 1\n"),
                    HasSubstr("mode{mode=\"idle\"} 0\n"), HasSubstr("mode{mode=\"busy\"} 1\n")));
}

TEST(WrapperInstrumentsTest, ConstantLabelsAreOnEverySeries) {
  auto plugin = RunningPlugin();
  FamilyOptions options;
  options.const_labels = {{"zone", "a"}};
  plugin.Counter("hits_total", "h", {}, options).Inc();
  EXPECT_THAT(Exposition(plugin), HasSubstr("hits_total{zone=\"a\"} 1\n"));
}

TEST(WrapperInstrumentsTest, AFamilyThatCannotBeMadeSaysWhyAndCountsForNothing) {
  auto plugin = RunningPlugin();
  plugin.Counter("taken", "h").Inc();
  auto gauge = plugin.Gauge("taken", "h");
  EXPECT_EQ(gauge.status().code(), PROMPLUG_E_EXISTS);
  gauge.Labels().Set(7);
  gauge.Set(7);
  EXPECT_EQ(plugin.Counter("", "h").status().code(), PROMPLUG_E_INVAL);
  EXPECT_THAT(Exposition(plugin), AllOf(HasSubstr("taken 1\n"), Not(HasSubstr("taken 7"))));
}

TEST(WrapperInstrumentsTest, AWrongNumberOfLabelValuesIsAnErrorForThoseWhoAsk) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "h", {"method"});
  auto found = requests.Find("GET", "too many");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), PROMPLUG_E_INVAL);
  requests.Labels("GET", "too many").Inc();
  requests.Inc();
  EXPECT_THAT(Exposition(plugin), Not(HasSubstr("requests_total{")));
}

TEST(WrapperInstrumentsTest, ASeriesThatWasRemovedComesBackFromZeroWithItsNextUpdate) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "h", {"method"});
  auto get = requests.Labels("GET");
  get.Add(5);
  get.Remove();
  EXPECT_THAT(Exposition(plugin), Not(HasSubstr("requests_total{")));
  get.Inc();
  EXPECT_THAT(Exposition(plugin), HasSubstr("requests_total{method=\"GET\"} 1\n"));
}

TEST(WrapperInstrumentsTest, SeriesAreRemovedByMatch) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "h", {"method", "user"});
  requests.Inc("GET", "ann");
  requests.Inc("PUT", "ann");
  requests.Inc("GET", "bob");
  EXPECT_EQ(requests.RemoveMatching({{"user", "ann"}}), 2u);
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("user=\"bob\"} 1\n"), Not(HasSubstr("user=\"ann\""))));
}

TEST(WrapperInstrumentsTest, AHandleMayOutliveThePlugin) {
  Counter get;
  CounterFamily requests;
  {
    auto plugin = RunningPlugin();
    requests = plugin.Counter("requests_total", "h", {"method"});
    get = requests.Labels("GET");
  }
  get.Inc();
  requests.Inc("GET");
}

TEST(WrapperInstrumentsTest, CellsArePartOfTheCounterAndWhatTheyCountedStays) {
  auto plugin = RunningPlugin();
  auto events = plugin.Counter("events_total", "h").Labels();
  {
    auto shared = events.MakeSharedCell().OrThrow();
    auto exclusive = events.MakeExclusiveCell().OrThrow();
    shared.Add();
    exclusive.Add(10);
    EXPECT_THAT(Exposition(plugin), HasSubstr("events_total 11\n"));
  }
  events.Inc();
  EXPECT_THAT(Exposition(plugin), HasSubstr("events_total 12\n"));
}

TEST(WrapperInstrumentsTest, ManySeriesAreUpdatedInOneCallAndEachSaysItsResult) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "h", {"method"});
  const promplug_str get = PROMPLUG_S("GET");
  promplug_update updates[2] = {{requests.get(), &get, 1, nullptr, 3, PROMPLUG_OP_ADD, -99},
                                {requests.get(), nullptr, 0, nullptr, 1, PROMPLUG_OP_ADD, -99}};
  EXPECT_EQ(plugin.UpdateMany(updates, 2), PROMPLUG_E_INVAL);
  EXPECT_EQ(updates[0].result, PROMPLUG_OK);
  EXPECT_EQ(updates[1].result, PROMPLUG_E_INVAL);
  EXPECT_THAT(Exposition(plugin), HasSubstr("requests_total{method=\"GET\"} 3\n"));
}

TEST(WrapperInstrumentsTest, AnExemplarComesWithTheValueByHandleAndByFamily) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "h", {"method"});
  requests.Labels("GET").Add(2, {{"trace_id", "one"}});
  requests.Add(3, {{"trace_id", "two"}}, "PUT");
  FamilyOptions options;
  options.buckets = {1};
  auto latency = plugin.Histogram("latency_seconds", "h", {}, options);
  latency.Labels().Observe(3, {{"trace_id", "three"}});
  latency.Observe(0.5, {{"trace_id", "six"}, {"span", "s"}});
  latency.Observe(0.5);
  Request request;
  request.headers = {{"Accept",
                      "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
                      "encoding=delimited"}};
  const auto response = plugin.Handle(request).OrThrow();
  ASSERT_TRUE(response.has_value());
  // As label pairs of client_model's metrics.proto: the name is field 1, the value field 2.
  for (const char* value : {"\x03one", "\x03two", "\x05three", "\x03six"}) {
    EXPECT_THAT(response->body, HasSubstr(std::string("\x0a\x08trace_id\x12") + value));
  }
  EXPECT_THAT(Exposition(plugin), AllOf(HasSubstr("requests_total{method=\"GET\"} 2\n"),
                                        HasSubstr("requests_total{method=\"PUT\"} 3\n"),
                                        HasSubstr("latency_seconds_sum 4\n")));
}

}  // namespace
}  // namespace promplug::host
