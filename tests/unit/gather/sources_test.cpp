// SPDX-License-Identifier: MIT
#include "gather/sources.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Family* MakeGauge(Registry& registry, std::string_view name) {
  FamilyDescription description;
  description.type = MetricType::kGauge;
  description.name = name;
  return registry.FindOrMake(description).value();
}

TEST(SourcesTest, IsReadyAtOnceWithoutThreadsWhenOnlyInstrumentsAreThere) {
  Bench bench;
  ASSERT_TRUE(MakeGauge(bench.instruments, "g")->Update(nullptr, 0, UpdateOp::kSet, 2).ok());
  bool called = false;
  GatherRequest request;
  request.sources = kGatherInstruments | kGatherCollectors | kGatherSelf;
  auto run = bench.sources.Start(request, [&] { called = true; });
  ASSERT_TRUE(run->Ready());
  EXPECT_THAT(Lines(run->Take()), Contains("g 2"));
  EXPECT_FALSE(called);
}

TEST(SourcesTest, LeavesCallbacksOutWhileTheThreadsDoNotRun) {
  Bench bench;
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("one")).ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  ASSERT_TRUE(bench.sources.Stop(10s).ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
}

TEST(SourcesTest, CallsReadyOnceAndNotForARunThatWasReady) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::atomic<int> calls{0};
  auto run = bench.Begin(10s, [&] { ++calls; });
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_FALSE(run->Ready());
  EXPECT_EQ(calls, 0);
  gate.Open();
  EXPECT_TRUE(Eventually([&] { return calls == 1; }));
  EXPECT_TRUE(run->Ready());
  EXPECT_THAT(Lines(run->Take()), ElementsAre("one 1"));
  run.reset();
  EXPECT_EQ(calls, 1);
}

TEST(SourcesTest, DoesNotCallReadyAfterTheRunIsDestroyed) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::atomic<int> calls{0};
  auto run = bench.Begin(10s, [&] { ++calls; });
  ASSERT_TRUE(gate.WaitEntered());
  run.reset();
  gate.Open();
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  EXPECT_EQ(calls, 0);
}

TEST(SourcesTest, LetsReadyDestroyItsOwnRun) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::unique_ptr<GatherRun> run;
  std::atomic<bool> done{false};
  run = bench.Begin(10s, [&] {
    run.reset();
    done = true;
  });
  ASSERT_TRUE(gate.WaitEntered());
  gate.Open();
  EXPECT_TRUE(Eventually([&] { return done.load(); }));
}

TEST(SourcesTest, DropsTheOutputOfAFailedOrThrowingCollectorAndLogsTheChangesOnly) {
  Bench bench;
  std::atomic<int> mode{0};
  CollectorSpec spec = OneGauge("one");
  spec.collect = [&mode, inner = spec.collect](CollectorWriter& writer) {
    Status status = inner(writer);
    if (mode == 1) return Status(Code::kIo, "no answer");
    if (mode == 2) throw std::runtime_error("boom");
    if (mode == 3) throw 7;
    return status;
  };
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("two")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1", "two 1"));
  EXPECT_TRUE(bench.SelfSays("promplug_collector_up{collector=\"one\"} 1"));
  for (const int failing : {1, 1, 2, 3}) {
    mode = failing;
    EXPECT_THAT(bench.Gather(), ElementsAre("two 1"));
  }
  EXPECT_TRUE(bench.SelfSays("promplug_collector_up{collector=\"one\"} 0"));
  EXPECT_TRUE(
      bench.SelfSays("promplug_collector_failures_total{collector=\"one\",reason=\"error\"} 2"));
  EXPECT_TRUE(bench.SelfSays(
      "promplug_collector_failures_total{collector=\"one\",reason=\"exception\"} 2"));
  EXPECT_EQ(bench.log.Count("\"one\" is left out (error): no answer"), 1u);
  mode = 0;
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1", "two 1"));
  EXPECT_TRUE(Eventually([&] { return bench.log.Count("works again") == 1; }));
  EXPECT_EQ(bench.log.Count(""), 2u);
}

TEST(SourcesTest, DropsTheOutputOfACollectorThatSaysTooMuchEvenIfItAnswersOk) {
  SourcesOptions options;
  options.max_output_bytes = 100;
  Bench bench(options);
  CollectorSpec spec = OneGauge("one");
  spec.collect = [](CollectorWriter& writer) {
    const std::string help(200, 'x');
    (void)writer.BeginFamily({MetricType::kGauge, "g", help, {}});
    return Status();
  };
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  EXPECT_TRUE(bench.SelfSays(
      "promplug_collector_failures_total{collector=\"one\",reason=\"too_large\"} 1"));
}

TEST(SourcesTest, CountsWhatACollectorSaysWronglyAndLogsItOnce) {
  Bench bench;
  CollectorSpec spec = OneGauge("one");
  spec.collect = [inner = spec.collect](CollectorWriter& writer) {
    (void)writer.BeginFamily({MetricType::kGauge, "not\xff UTF-8", "", {}});
    Status status = inner(writer);
    (void)writer.Add(nullptr, 0, Point());
    return status;
  };
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  EXPECT_TRUE(bench.SelfSays("promplug_series_refused_total{reason=\"invalid\"} 2"));
  EXPECT_TRUE(bench.SelfSays("promplug_series_refused_total{reason=\"duplicate\"} 2"));
  EXPECT_TRUE(Eventually([&] { return bench.log.Count("is empty or not UTF-8") == 1; }));
}

TEST(SourcesTest, ReusesTheLastOutputForTheMinimumInterval) {
  Bench bench;
  std::atomic<int> runs{0};
  CollectorSpec spec = OneGauge("one");
  spec.min_interval = 5s;
  spec.collect = [&runs, inner = spec.collect](CollectorWriter& writer) {
    ++runs;
    return inner(writer);
  };
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  bench.clock.Advance(4999ms);
  EXPECT_TRUE(bench.Begin()->Ready());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  EXPECT_EQ(runs, 1);
  bench.clock.Advance(1ms);
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  EXPECT_EQ(runs, 2);
}

TEST(SourcesTest, SharesARunThatIsUnderWay) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto first = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  auto second = bench.Begin();
  EXPECT_FALSE(second->Ready());
  gate.Open();
  first->Wait();
  second->Wait();
  EXPECT_THAT(Lines(first->Take()), ElementsAre("one 1"));
  EXPECT_THAT(Lines(second->Take()), ElementsAre("one 1"));
  EXPECT_EQ(gate.entered(), 1);
}

TEST(SourcesTest, RefusesRegistrationsThatAreNotValid) {
  Bench bench;
  const auto code = [&](CollectorSpec spec) {
    return bench.sources.RegisterCollector(std::move(spec)).status().code();
  };
  EXPECT_EQ(code(OneGauge("")), Code::kInvalid);
  EXPECT_EQ(code(OneGauge("\xff")), Code::kInvalid);
  CollectorSpec empty;
  empty.name = "empty";
  EXPECT_EQ(code(empty), Code::kInvalid);
  CollectorSpec loop = OneGauge("loop");
  loop.on_loop = true;
  EXPECT_EQ(code(loop), Code::kUnsupported);
  EXPECT_EQ(code(OneGauge("one")), Code::kOk);
  EXPECT_EQ(code(OneGauge("one")), Code::kExists);
}

TEST(SourcesTest, AnswersOnlyTheSourcesAndNamesThatWereAskedFor) {
  Bench bench;
  ASSERT_TRUE(MakeGauge(bench.instruments, "inst")->Update(nullptr, 0, UpdateOp::kSet, 2).ok());
  std::atomic<int> reads{0};
  const auto read = [&](double* out) {
    ++reads;
    *out = 1;
    return Status();
  };
  ASSERT_TRUE(bench.sources.RegisterValue(ValueOf("value", {}, read)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  const auto gather = [&](uint32_t sources, std::vector<std::string> names) {
    GatherRequest request;
    request.sources = sources;
    request.names = std::move(names);
    auto run = bench.sources.Start(std::move(request), {});
    run->Wait();
    return Lines(run->Take());
  };
  EXPECT_THAT(gather(kGatherInstruments, {}), ElementsAre("inst 2"));
  EXPECT_THAT(gather(kGatherAll, {"inst"}), ElementsAre("inst 2"));
  EXPECT_EQ(reads, 0);
  EXPECT_THAT(gather(kGatherCollectors, {}), ElementsAre("value 1"));
  EXPECT_THAT(gather(kGatherAll, {"process_threads"}).size(), 1u);
  SourcesOptions without;
  without.process_metrics = false;
  without.self_metrics = false;
  bench.sources.SetOptions(without);
  EXPECT_THAT(gather(kGatherAll, {}), ElementsAre("inst 2", "value 1"));
}

TEST(SourcesTest, GivesInstrumentsPrecedenceOverCollectorsAndEarlierOverLater) {
  Bench bench;
  ASSERT_TRUE(MakeGauge(bench.instruments, "g")->Update(nullptr, 0, UpdateOp::kSet, 1).ok());
  for (const double value : {2.0, 3.0}) {
    CollectorSpec spec = OneGauge("g", value);
    spec.name += ToText(value);
    ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  }
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("g 2"));
  GatherRequest request;
  request.sources = kGatherInstruments | kGatherCollectors;
  auto run = bench.sources.Start(request, {});
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("g 1"));
}

TEST(SourcesTest, KeepsAGatheringReadableAfterTheCollectorIsGone) {
  Bench bench;
  const auto id = bench.sources.RegisterCollector(OneGauge("one")).value();
  const auto value_id = bench.sources
                            .RegisterValue(ValueOf("two", {{"a", "b"}},
                                                   [](double* out) {
                                                     *out = 5;
                                                     return Status();
                                                   }))
                            .value();
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  run->Wait();
  Gathering gathering = run->Take();
  run.reset();
  ASSERT_TRUE(bench.sources.Unregister(id, 1s).ok());
  ASSERT_TRUE(bench.sources.Unregister(value_id, 1s).ok());
  EXPECT_THAT(Lines(std::move(gathering)), ElementsAre("one 1", "two{a=\"b\"} 5"));
}

TEST(SourcesTest, TellsThreadsOfTheirBeginAndEndAndCallsMaintenance) {
  std::mutex mutex;
  std::vector<std::string> names;
  std::atomic<int> left{0};
  std::atomic<int> maintained{0};
  SourcesHooks hooks;
  hooks.thread_enter = [&](const char* name) {
    const std::lock_guard lock(mutex);
    names.emplace_back(name);
  };
  hooks.thread_leave = [&] { ++left; };
  hooks.maintain = [&] { ++maintained; };
  Bench bench({}, std::move(hooks));
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_TRUE(Eventually([&] {
    bench.clock.Advance(50ms);
    std::this_thread::yield();
    return maintained >= 3;
  }));
  ASSERT_TRUE(bench.sources.Stop(10s).ok());
  EXPECT_THAT(names, ElementsAre("pp-collect"));
  EXPECT_EQ(left, 1);
}

}  // namespace
}  // namespace promplug::test
