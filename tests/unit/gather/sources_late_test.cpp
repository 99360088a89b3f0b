// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <thread>
#include <vector>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Failures(const std::string& name, const std::string& reason, int n) {
  return "promplug_collector_failures_total{collector=\"" + name + "\",reason=\"" + reason +
         "\"} " + std::to_string(n);
}

TEST(LateCallbackTest, CostsItsOwnOutputAndIsLeftOutAtOnceUntilItHasReturned) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("stuck", &gate)).ok());
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto first = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_FALSE(bench.sources.AnyStuck());
  bench.clock.Advance(1999ms);
  EXPECT_FALSE(first->Ready());
  bench.clock.Advance(1ms);
  first->Wait();
  EXPECT_THAT(Lines(first->Take()), ElementsAre("fine 1"));
  EXPECT_TRUE(bench.SelfSays(Failures("stuck", "timeout", 1)));
  EXPECT_TRUE(bench.sources.AnyStuck());

  // No time passes on this clock: the second gather cannot have waited for a deadline.
  EXPECT_THAT(bench.Gather(), ElementsAre("fine 1"));
  EXPECT_TRUE(bench.SelfSays(Failures("stuck", "busy", 1)));
  EXPECT_EQ(gate.entered(), 1);
  EXPECT_TRUE(Eventually([&] { return bench.log.Count("\"stuck\" is left out (timeout)") == 1; }));

  gate.Open();
  EXPECT_TRUE(Eventually([&] { return !bench.sources.AnyStuck(); }));
  EXPECT_THAT(bench.Gather(), ElementsAre("fine 1", "stuck 1"));
  EXPECT_EQ(gate.entered(), 2);
}

TEST(LateCallbackTest, ReadyIsCalledAtTheDeadline) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("stuck", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::atomic<int> calls{0};
  auto run = bench.Begin(500ms, [&] { ++calls; });
  ASSERT_TRUE(gate.WaitEntered());
  bench.clock.Advance(499ms);
  EXPECT_FALSE(run->Ready());
  bench.clock.Advance(1ms);
  EXPECT_TRUE(Eventually([&] { return calls == 1; }));
  EXPECT_TRUE(run->Ready());
}

TEST(LateCallbackTest, DoesNotCostOthersOfAHurriedGather) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("stuck", &gate)).ok());
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  // Shorter than the collector's own two seconds.
  auto run = bench.Begin(1s);
  ASSERT_TRUE(gate.WaitEntered());
  bench.clock.Advance(750ms);
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("fine 1"));
}

TEST(LateCallbackTest, AMorePatientGatherGetsTheOutputOfTheSharedRun) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("slow", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto hurried = bench.Begin(500ms);
  ASSERT_TRUE(gate.WaitEntered());
  auto patient = bench.Begin(10s);
  bench.clock.Advance(1s);
  hurried->Wait();
  EXPECT_THAT(Lines(hurried->Take()), IsEmpty());
  EXPECT_FALSE(patient->Ready());
  gate.Open();
  patient->Wait();
  EXPECT_THAT(Lines(patient->Take()), ElementsAre("slow 1"));
}

TEST(LateCallbackTest, WaitEndsAtTheDeadlineEvenIfTheSupervisorIsHeldUp) {
  Gate house;
  SourcesHooks hooks;
  hooks.maintain = [&] { house.Pass(); };
  Bench bench({}, std::move(hooks));
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("stuck", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  ASSERT_TRUE(Eventually([&] {
    bench.clock.Advance(50ms);
    std::this_thread::yield();
    return house.entered() == 1;
  }));
  auto run = bench.Begin(500ms);
  ASSERT_TRUE(gate.WaitEntered());
  bench.clock.Advance(500ms);
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), IsEmpty());
  gate.Open();
  house.Open();
}

TEST(LateCallbackTest, AStuckValueCostsItselfOnly) {
  Bench bench;
  Gate& gate = bench.NewGate();
  const auto stuck = [&](double* out) {
    gate.Pass();
    *out = 1;
    return Status();
  };
  const auto fine = [](double* out) {
    *out = 2;
    return Status();
  };
  ASSERT_TRUE(bench.sources.RegisterValue(ValueOf("v", {{"x", "1"}}, stuck)).ok());
  ASSERT_TRUE(bench.sources.RegisterValue(ValueOf("v", {{"x", "2"}}, fine)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  bench.clock.Advance(2s);
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("v{x=\"2\"} 2"));
  EXPECT_THAT(bench.Gather(), ElementsAre("v{x=\"2\"} 2"));
  EXPECT_EQ(gate.entered(), 1);
}

TEST(LateCallbackTest, WithTooManyStuckTheOthersAreLeftOutToo) {
  Bench bench;
  Gate& gate = bench.NewGate();
  for (size_t i = 0; i <= Sources::kMaxStuck; ++i) {
    ASSERT_TRUE(bench.sources.RegisterCollector(Gated("stuck" + std::to_string(i), &gate)).ok());
  }
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin(60s);
  for (size_t i = 0; i <= Sources::kMaxStuck; ++i) {
    ASSERT_TRUE(gate.WaitEntered(static_cast<int>(i) + 1));
    bench.clock.Advance(2s);
  }
  run->Wait();
  EXPECT_EQ(gate.entered(), static_cast<int>(Sources::kMaxStuck) + 1);
  EXPECT_THAT(Lines(run->Take()), IsEmpty());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  EXPECT_TRUE(bench.SelfSays(Failures("fine", "busy", 2)));
  gate.Open();
  EXPECT_TRUE(Eventually([&] { return bench.Gather().size() == Sources::kMaxStuck + 2; }));
}

TEST(LateCallbackTest, DropsWhatWasSaidTooLateBeforeAnybodyNoticed) {
  Bench bench;
  CollectorSpec spec = OneGauge("slow");
  spec.collect = [&bench, inner = spec.collect](CollectorWriter& writer) {
    Status status = inner(writer);
    bench.clock.Advance(3s);
    return status;
  };
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  EXPECT_TRUE(bench.SelfSays(Failures("slow", "timeout", 1)));
}

TEST(LateCallbackTest, ACollectorsOwnTimeoutCounts) {
  Bench bench;
  Gate& gate = bench.NewGate();
  CollectorSpec spec = Gated("slow", &gate);
  spec.timeout = 200ms;
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  bench.clock.Advance(200ms);
  EXPECT_TRUE(Eventually([&] { return run->Ready(); }));
}

TEST(LateCallbackTest, SurvivesACallbackThatEndsItsThread) {
  Bench bench;
  std::atomic<bool> exits{true};
  CollectorSpec spec = OneGauge("rude");
  spec.collect = [&exits, inner = spec.collect](CollectorWriter& writer) {
    if (exits) pthread_exit(nullptr);
    return inner(writer);
  };
  ASSERT_TRUE(bench.sources.RegisterCollector(spec).ok());
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("fine 1"));
  EXPECT_TRUE(bench.SelfSays(Failures("rude", "exception", 1)));
  exits = false;
  EXPECT_THAT(bench.Gather(), ElementsAre("fine 1", "rude 1"));
}

class LoopTest : public ::testing::Test {
 protected:
  static SourcesHooks Hooks(std::atomic<int>* wakes) {
    SourcesHooks hooks;
    hooks.wake = [wakes] { ++*wakes; };
    return hooks;
  }
  void Register(CollectorSpec spec) {
    spec.on_loop = true;
    ASSERT_TRUE(bench_.sources.RegisterCollector(std::move(spec)).ok());
  }

  std::atomic<int> wakes_{0};
  Bench bench_{{}, Hooks(&wakes_)};
};

TEST_F(LoopTest, RunsOnTheThreadThatCallsRunPending) {
  std::thread::id ran_on;
  CollectorSpec spec = OneGauge("loop");
  bool inside = false;
  spec.collect = [&, inner = spec.collect](CollectorWriter& writer) {
    ran_on = std::this_thread::get_id();
    inside = bench_.sources.InsideCallback();
    return inner(writer);
  };
  Register(spec);
  ASSERT_TRUE(bench_.sources.StartThreads().ok());
  EXPECT_FALSE(bench_.sources.RunPending(0ms));
  std::atomic<int> calls{0};
  auto run = bench_.Begin(10s, [&] { ++calls; });
  EXPECT_EQ(wakes_, 1);
  EXPECT_FALSE(run->Ready());
  EXPECT_FALSE(bench_.sources.RunPending(0ms));
  EXPECT_TRUE(run->Ready());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(ran_on, std::this_thread::get_id());
  EXPECT_TRUE(inside);
  EXPECT_FALSE(bench_.sources.InsideCallback());
  EXPECT_THAT(Lines(run->Take()), ElementsAre("loop 1"));
}

TEST_F(LoopTest, BeginsNoneAfterTheGivenTimeAndSaysThatSomeAreLeft) {
  for (const char* name : {"a", "b"}) {
    CollectorSpec spec = OneGauge(name);
    spec.collect = [this, inner = spec.collect](CollectorWriter& writer) {
      Status status = inner(writer);
      bench_.clock.Advance(10ms);
      return status;
    };
    Register(spec);
  }
  ASSERT_TRUE(bench_.sources.StartThreads().ok());
  auto run = bench_.Begin();
  EXPECT_TRUE(bench_.sources.RunPending(5ms));
  EXPECT_FALSE(run->Ready());
  EXPECT_FALSE(bench_.sources.RunPending(5ms));
  EXPECT_THAT(Lines(run->Take()), ElementsAre("a 1", "b 1"));
}

TEST_F(LoopTest, ALoopThatDoesNotComeCostsOneDeadlineOnly) {
  Register(OneGauge("loop"));
  ASSERT_TRUE(bench_.sources.RegisterCollector(OneGauge("fine")).ok());
  ASSERT_TRUE(bench_.sources.StartThreads().ok());
  auto run = bench_.Begin();
  ASSERT_TRUE(
      Eventually([&] { return bench_.SelfSays("promplug_collector_up{collector=\"fine\"} 1"); }));
  bench_.clock.Advance(2s);
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("fine 1"));
  EXPECT_TRUE(bench_.SelfSays(Failures("loop", "timeout", 1)));
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(bench_.Gather(), ElementsAre("fine 1"));
  EXPECT_TRUE(bench_.SelfSays(Failures("loop", "busy", 1)));
  EXPECT_EQ(wakes_, 2) << "a wake that the host has lost comes again";
  EXPECT_FALSE(bench_.sources.RunPending(0ms));
  run = bench_.Begin();
  EXPECT_FALSE(bench_.sources.RunPending(0ms));
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("fine 1", "loop 1"));
}

}  // namespace
}  // namespace promplug::test
