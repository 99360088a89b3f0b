// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

CollectorSpec WithRelease(CollectorSpec spec, std::atomic<int>* releases) {
  spec.release = [releases] { ++*releases; };
  return spec;
}

TEST(UnregisterTest, ReleasesOnceAndFreesTheName) {
  Bench bench;
  std::atomic<int> releases{0};
  const auto id = bench.sources.RegisterCollector(WithRelease(OneGauge("one"), &releases)).value();
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  EXPECT_TRUE(bench.sources.Unregister(id, 0ms).ok());
  EXPECT_EQ(releases, 1);
  EXPECT_THAT(bench.Gather(), IsEmpty());
  EXPECT_FALSE(bench.SelfSays("promplug_collector_up{collector=\"one\"} 1"));
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kNotFound);
  const auto again = bench.sources.RegisterCollector(OneGauge("one"));
  ASSERT_TRUE(again.ok());
  EXPECT_NE(again.value(), id);
}

TEST(UnregisterTest, FreesTheSeriesOfAValueAndTheTypeOfItsFamily) {
  Bench bench;
  alignas(8) double cell = 1;
  ValueSpec spec = ValueOf("v", {}, nullptr);
  spec.cell = &cell;
  const auto id = bench.sources.RegisterValue(spec).value();
  EXPECT_TRUE(bench.sources.Unregister(id, 0ms).ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  spec.type = MetricType::kCounter;
  EXPECT_TRUE(bench.sources.RegisterValue(spec).ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("v 1"));
}

TEST(UnregisterTest, WaitsForTheRunningCallbackAndTimesOut) {
  Bench bench;
  Gate& gate = bench.NewGate();
  std::atomic<int> releases{0};
  const auto id =
      bench.sources.RegisterCollector(WithRelease(Gated("one", &gate), &releases)).value();
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kTimeout);
  // The gather does not wait for what is unregistered.
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), IsEmpty());
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kTimeout);
  EXPECT_EQ(releases, 0);
  std::thread opener([&] { gate.Open(); });
  EXPECT_TRUE(bench.sources.Unregister(id, 1h).ok());
  opener.join();
  EXPECT_EQ(releases, 1);
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kNotFound);
}

TEST(UnregisterTest, ReleaseFollowsWithoutASecondCall) {
  Bench bench;
  Gate& gate = bench.NewGate();
  std::atomic<int> releases{0};
  const auto id =
      bench.sources.RegisterCollector(WithRelease(Gated("one", &gate), &releases)).value();
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_EQ(bench.sources.Unregister(id, 0ms).code(), Code::kTimeout);
  gate.Open();
  EXPECT_TRUE(Eventually([&] { return releases == 1; }));
  EXPECT_TRUE(bench.sources.Unregister(id, 1h).ok());
  EXPECT_EQ(releases, 1);
}

TEST(UnregisterTest, TakesADueCollectorOutOfTheQueue) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("first", &gate)).ok());
  const auto id = bench.sources.RegisterCollector(OneGauge("second")).value();
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_TRUE(bench.sources.Unregister(id, 0ms).ok());
  gate.Open();
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("first 1"));
}

TEST(UnregisterTest, AnswersReentrantInsideACallbackAndInsideRelease) {
  Bench bench;
  std::vector<Code> codes;
  uint64_t id = 0;
  const auto try_all = [&] {
    EXPECT_TRUE(bench.sources.InsideCallback());
    codes.push_back(bench.sources.Unregister(id, 0ms).code());
    codes.push_back(bench.sources.Stop(0ms).code());
  };
  CollectorSpec spec = OneGauge("one");
  spec.collect = [&](CollectorWriter&) {
    try_all();
    return Status();
  };
  spec.release = try_all;
  id = bench.sources.RegisterCollector(spec).value();
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
  EXPECT_FALSE(bench.sources.InsideCallback());
  EXPECT_TRUE(bench.sources.Unregister(id, 0ms).ok());
  EXPECT_THAT(codes,
              ElementsAre(Code::kReentrant, Code::kReentrant, Code::kReentrant, Code::kReentrant));
}

TEST(StopTest, TimesOutWhileACallbackIsInsideAndCanBeRepeated) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::atomic<int> calls{0};
  auto run = bench.Begin(10s, [&] { ++calls; });
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_EQ(bench.sources.Stop(0ms).code(), Code::kTimeout);
  EXPECT_TRUE(run->Ready());
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(bench.sources.StartThreads().code(), Code::kState);
  EXPECT_EQ(bench.sources.Stop(0ms).code(), Code::kTimeout);
  gate.Open();
  EXPECT_TRUE(bench.sources.Stop(1h).ok());
  EXPECT_TRUE(bench.sources.Stop(0ms).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
}

TEST(StopTest, JoinsTheThreadOfALateCallbackThatHasReturned) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  bench.clock.Advance(2s);
  run->Wait();
  EXPECT_EQ(bench.sources.Stop(0ms).code(), Code::kTimeout);
  gate.Open();
  EXPECT_TRUE(bench.sources.Stop(1h).ok());
}

TEST(StopTest, TheDestructorReleasesWhatIsRegistered) {
  std::atomic<int> releases{0};
  {
    Bench bench;
    ASSERT_TRUE(bench.sources.RegisterCollector(WithRelease(OneGauge("one"), &releases)).ok());
    ASSERT_TRUE(bench.sources.RegisterCollector(WithRelease(OneGauge("two"), &releases)).ok());
    ASSERT_TRUE(bench.sources.StartThreads().ok());
  }
  EXPECT_EQ(releases, 2);
}

TEST(ForkTest, ParkEndsTheThreadsAndUnparkGoesOn) {
  std::atomic<int> running{0};
  SourcesHooks hooks;
  hooks.thread_enter = [&](const char*) { ++running; };
  hooks.thread_leave = [&] { --running; };
  Bench bench({}, std::move(hooks));
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("one")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
  ASSERT_TRUE(bench.sources.Park(10s).ok());
  EXPECT_EQ(running, 0);
  EXPECT_FALSE(bench.sources.InsideCallback());
  ASSERT_TRUE(bench.sources.Unpark().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
}

TEST(ForkTest, ParkTimesOutWhileACallbackIsInsideAndChangesNothing) {
  Bench bench;
  Gate& gate = bench.NewGate();
  ASSERT_TRUE(bench.sources.RegisterCollector(Gated("one", &gate)).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  auto run = bench.Begin();
  ASSERT_TRUE(gate.WaitEntered());
  EXPECT_EQ(bench.sources.Park(0ms).code(), Code::kTimeout);
  gate.Open();
  run->Wait();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("one 1"));
  EXPECT_THAT(bench.Gather(), ElementsAre("one 1"));
}

TEST(ForkTest, ParkWorksWhereNoThreadRuns) {
  Bench bench;
  ASSERT_TRUE(bench.sources.Park(0ms).ok());
  EXPECT_TRUE(bench.sources.Unpark().ok());
  EXPECT_THAT(bench.Gather(), IsEmpty());
}

#if defined(__SANITIZE_THREAD__)
#define PROMPLUG_NO_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PROMPLUG_NO_FORK 1
#endif
#endif

#ifndef PROMPLUG_NO_FORK
// What a child finds; its number is the first thing that is not so.
int CheckChild(Bench& bench, GatherRun& run, const std::atomic<int>& ready_calls) {
  bench.sources.AbandonAfterFork();
  if (!run.Ready()) return 1;
  if (ready_calls != 0) return 2;
  if (!bench.Gather().empty()) return 3;
  if (!bench.sources.StartThreads().ok()) return 4;
  if (bench.Gather() != std::vector<std::string>{"loop 1", "one 1"}) return 5;
  if (!bench.sources.Stop(1h).ok()) return 6;
  return 0;
}

TEST(ForkTest, AChildStartsAfreshAndTheParentGoesOn) {
  SourcesHooks hooks;
  Bench* in_wake = nullptr;
  std::atomic<bool> answer{false};
  std::thread pending;
  hooks.wake = [&] {
    if (answer) pending = std::thread([&] { in_wake->sources.RunPending(0ms); });
  };
  Bench bench({}, std::move(hooks));
  in_wake = &bench;
  CollectorSpec loop = OneGauge("loop");
  loop.on_loop = true;
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("one")).ok());
  ASSERT_TRUE(bench.sources.RegisterCollector(loop).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  std::atomic<int> ready_calls{0};
  // Waits for the loop while the fork happens.
  auto run = bench.Begin(10s, [&] { ++ready_calls; });
  // A thread of the host that does not exist in the child waits, too.
  std::thread waiter([&] { (void)Eventually([&] { return run->Ready(); }); });
  ASSERT_TRUE(bench.sources.Park(10s).ok());
  const pid_t child = ::fork();
  answer = true;
  if (child == 0) {
    const int wrong = CheckChild(bench, *run, ready_calls);
    ::_exit(wrong);
  }
  ASSERT_TRUE(bench.sources.Unpark().ok());
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_FALSE(bench.sources.RunPending(0ms));
  run->Wait();
  waiter.join();
  EXPECT_THAT(Lines(run->Take()), ElementsAre("loop 1", "one 1"));
  EXPECT_EQ(ready_calls, 1);
  if (pending.joinable()) pending.join();
}
#endif

// Everything at once on the machine's clock, for the thread sanitizer and for the counts.
TEST(StressTest, GathersRegistrationsAndPendingRunsAtOnceLoseNothing) {
  LogLines log;
  Registry instruments(Clock::Real());
  SelfMetrics self(Clock::Real(), "test");
  SourcesHooks hooks;
  hooks.wake = [] {};
  hooks.maintain = [&] { instruments.Maintain(); };
  std::atomic<int> registered{0};
  std::atomic<int> released{0};
  std::atomic<int> entered_twice{0};
  std::atomic<int> short_of_one{0};
  constexpr int kRounds = 150;
  {
    Sources sources(instruments, &self, log.log(), Clock::Real(), {}, std::move(hooks));
    std::atomic<int> inside{0};
    CollectorSpec steady = OneGauge("steady");
    steady.collect = [&, inner = steady.collect](CollectorWriter& writer) {
      if (++inside != 1) ++entered_twice;
      Status status = inner(writer);
      --inside;
      return status;
    };
    ASSERT_TRUE(sources.RegisterCollector(steady).ok());
    CollectorSpec loop = OneGauge("loop");
    loop.on_loop = true;
    ASSERT_TRUE(sources.RegisterCollector(loop).ok());
    ASSERT_TRUE(sources.StartThreads().ok());
    std::atomic<bool> over{false};
    std::thread pending([&] {
      while (!over) {
        (void)sources.RunPending(1ms);
        std::this_thread::yield();
      }
    });
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kRounds; ++i) {
          std::atomic<int> ready{0};
          GatherRequest request;
          request.deadline = Clock::Real().Now() + 20s;
          auto run = sources.Start(request, [&] { ++ready; });
          if (i % 3 == 0) continue;
          run->Wait();
          const auto lines = Lines(run->Take());
          if (std::find(lines.begin(), lines.end(), "steady 1") == lines.end()) ++short_of_one;
          if (std::find(lines.begin(), lines.end(), "loop 1") == lines.end()) ++short_of_one;
        }
      });
      threads.emplace_back([&, t] {
        for (int i = 0; i < kRounds; ++i) {
          const auto id =
              sources.RegisterCollector(WithRelease(OneGauge("x" + std::to_string(t)), &released));
          if (!id.ok()) continue;
          ++registered;
          EXPECT_TRUE(sources.Unregister(id.value(), 20s).ok());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    over = true;
    pending.join();
    EXPECT_TRUE(sources.Stop(20s).ok());
  }
  EXPECT_EQ(registered, 2 * kRounds);
  EXPECT_EQ(released, registered);
  EXPECT_EQ(entered_twice, 0);
  EXPECT_EQ(short_of_one, 0);
}

}  // namespace
}  // namespace promplug::test
