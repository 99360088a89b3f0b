// SPDX-License-Identifier: MIT
#include "multiprocess/set_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <mutex>
#include <new>
#include <thread>

#include "metrics/registry.hpp"
#include "multiprocess/part_codec.hpp"
#include "support/manual_clock.hpp"
#include "unit/multiprocess/segment_testing.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;
using test::Get;
using test::MakeFamily;
using test::ValuesOf;
using ::testing::ElementsAre;
using ::testing::Pair;

// Says one gauge: how often it was asked.
class CountingCollector final : public SetCollector {
 public:
  void Begin(bool with_one_process, std::function<void()> ready) override {
    led = with_one_process;
    ready_ = std::move(ready);
    // Whoever sees it may call Let().
    ++begun;
    if (begin_fails.exchange(false)) throw std::bad_alloc();
    if (!held) ready_();
  }
  bool Ready() const override { return !held; }
  std::string Take() override {
    ++taken;
    if (take_fails.exchange(false)) throw std::bad_alloc();
    std::string bytes;
    PartEncoder encoder(&bytes);
    PartHead head;
    head.head = {MetricType::kCounter, "asked", "Help.", {}};
    head.kind = PartKind::kCollectors;
    encoder.Family(head);
    PartPoint point;
    point.point.value = begun.load();
    encoder.Add(point);
    encoder.End();
    return bytes;
  }
  void Cancel() override { ++cancelled; }
  void Let() {
    held = false;
    ready_();
  }

  std::atomic<int> begun{0};
  std::atomic<bool> led{false};
  std::atomic<bool> held{false};
  std::atomic<bool> begin_fails{false};
  std::atomic<bool> take_fails{false};
  std::atomic<int> taken{0};
  std::atomic<int> cancelled{0};

 private:
  std::function<void()> ready_;
};

class SetLoopTest : public ::testing::Test {
 protected:
  struct Member {
    Member(const std::string& path, const Clock& clock, const Log& log, SetLoopOptions options)
        : set(std::move(ProcessSet::Join({path}, clock, log)).value()),
          registry(std::make_unique<Registry>(clock, nullptr, set->memory())),
          loop(*set, collector, log, clock, options,
               {[this](LeaseChange change, bool again) {
                  ++told;
                  told_again.store(again);
                  if (throws.exchange(false)) throw std::bad_alloc();
                  if (fails.load()) return Status(Code::kIo, "no thread");
                  leads.store(change == LeaseChange::kTaken);
                  return Status();
                },
                [](std::string_view, std::string_view, std::string) {}}) {
      set->Run();
    }
    std::map<std::string, double> Values() {
      const std::shared_ptr<SetAnswer> answer = loop.Ask(nullptr);
      answer->Wait();
      return answer->view() == nullptr ? std::map<std::string, double>()
                                       : ValuesOf(*answer->view());
    }

    std::unique_ptr<ProcessSet> set;
    std::unique_ptr<Registry> registry;
    CountingCollector collector;
    std::atomic<bool> leads{false};
    std::atomic<bool> throws{false};
    std::atomic<bool> fails{false};
    std::atomic<int> told{0};
    std::atomic<bool> told_again{false};
    SetLoop loop;
  };
  std::unique_ptr<Member> Join(const SetLoopOptions& options = {}) {
    return std::make_unique<Member>(folder_.path(), clock_, log_, options);
  }
  template <typename Condition>
  static bool Poll(std::chrono::milliseconds at_most, const Condition& condition) {
    const auto deadline = std::chrono::steady_clock::now() + at_most;
    while (!condition()) {
      if (std::chrono::steady_clock::now() >= deadline) return false;
      std::this_thread::yield();
    }
    return true;
  }
  // Whether it holds once so many seconds have gone by, each of which the threads may notice.
  template <typename Condition>
  bool Within(int at_most_seconds, const Condition& condition) {
    for (int i = 0; i < at_most_seconds; ++i) {
      if (Poll(std::chrono::milliseconds(50), condition)) return true;
      clock_.Advance(seconds(1));
    }
    return Poll(std::chrono::seconds(20), condition);
  }
  template <typename Condition>
  bool Never(int during_seconds, const Condition& condition) {
    for (int i = 0; i < during_seconds; ++i) {
      if (Poll(std::chrono::milliseconds(100), condition)) return false;
      clock_.Advance(seconds(1));
    }
    return !Poll(std::chrono::milliseconds(100), condition);
  }

  test::SetFolder folder_;
  test::ManualClock clock_;
  // Thread-safe.
  size_t Said(std::string_view text) {
    const std::lock_guard lock(lines_mutex_);
    return static_cast<size_t>(std::count_if(lines_.begin(), lines_.end(), [&](const auto& line) {
      return line.find(text) != std::string::npos;
    }));
  }
  std::mutex lines_mutex_;
  std::vector<std::string> lines_;
  Log log_{[this](LogLevel, std::string_view text) {
             const std::lock_guard lock(lines_mutex_);
             lines_.emplace_back(text);
           },
           LogLevel::kError};
};

TEST_F(SetLoopTest, TheFirstViewHasWhatTheProcessItselfSays) {
  auto a = Join();
  Get(MakeFamily(*a->registry, MetricType::kCounter, "c_total"), "x")->CounterAdd(2);
  ASSERT_TRUE(a->loop.Start().ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1), Pair("c_total{id=\"x\"}", 2)));
}

TEST_F(SetLoopTest, AViewWaitsForACollectorThatIsNotReadyAndSaysWhenItIsThere) {
  std::promise<void> ready;
  auto a = Join();
  a->collector.held = true;
  ASSERT_TRUE(a->loop.Start().ok());
  const std::shared_ptr<SetAnswer> answer = a->loop.Ask([&] { ready.set_value(); });
  ASSERT_TRUE(Within(0, [&] { return a->collector.begun.load() == 1; }));
  EXPECT_FALSE(answer->Ready());
  a->collector.Let();
  ready.get_future().wait();
  EXPECT_TRUE(answer->Ready());
  EXPECT_NE(answer->view(), nullptr);
}

TEST_F(SetLoopTest, CollectsEachInterval) {
  auto a = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1)));
  clock_.Advance(seconds(2));
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1))) << "as published";
  EXPECT_TRUE(Within(4, [&] { return a->collector.begun.load() == 2; }));
}

TEST_F(SetLoopTest, PublishesAtOnceWhenAsked) {
  auto a = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1)));
  a->loop.Publish(clock_.Now() + seconds(3));
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 2)));
}

TEST_F(SetLoopTest, OneLeadsAndAnotherFollowsWhenItIsGone) {
  auto a = Join();
  auto b = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  ASSERT_TRUE(Within(2, [&] { return a->leads.load(); }));
  ASSERT_TRUE(b->loop.Start().ok());
  EXPECT_TRUE(Never(3, [&] { return b->leads.load(); }));
  EXPECT_TRUE(a->loop.leads());
  a->loop.Stop();
  EXPECT_TRUE(Within(3, [&] { return b->leads.load(); }));
}

TEST_F(SetLoopTest, APausedLoopNeitherTakesNorLosesTheLease) {
  auto a = Join();
  EXPECT_TRUE(a->loop.Pause(clock_.Now() + seconds(1)));
  ASSERT_TRUE(a->loop.Start().ok());
  auto b = Join();
  EXPECT_FALSE(b->loop.Pause(TimePoint::min()));
  ASSERT_TRUE(b->loop.Start().ok());
  a->loop.Stop();
  EXPECT_TRUE(Never(3, [&] { return b->leads.load(); }));
  b->loop.Resume();
  EXPECT_TRUE(Within(3, [&] { return b->leads.load(); }));
}

TEST_F(SetLoopTest, WhoStepsDownLeavesTheLeaseToAnother) {
  auto a = Join();
  auto b = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  ASSERT_TRUE(Within(2, [&] { return a->leads.load(); }));
  ASSERT_TRUE(b->loop.Start().ok());
  a->loop.StepDown();
  EXPECT_TRUE(Within(3, [&] { return b->leads.load(); }));
  EXPECT_FALSE(a->leads.load());
  EXPECT_FALSE(a->loop.leads());
  EXPECT_TRUE(Never(12, [&] { return a->leads.load(); }));
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", ::testing::Ge(2)))) << "it answers";
}

TEST_F(SetLoopTest, WhoHasSteppedDownLeadsAgainWhereNobodyElseDoes) {
  auto a = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  ASSERT_TRUE(Within(2, [&] { return a->leads.load(); }));
  a->loop.StepDown();
  ASSERT_TRUE(Within(0, [&] { return !a->leads.load(); }));
  EXPECT_TRUE(Never(9, [&] { return a->leads.load(); }));
  EXPECT_TRUE(Within(4, [&] { return a->leads.load(); }));
  a->loop.StepDown();
  ASSERT_TRUE(Within(0, [&] { return !a->leads.load(); }));
  EXPECT_TRUE(a->loop.Pause(clock_.Now() + seconds(1))) << "as the last one that stops does";
}

// Not after the interval: until then the series of collectors for one process would be away.
TEST_F(SetLoopTest, CollectsAtOnceWhenTheLeaseComesOrGoes) {
  SetLoopOptions seldom;
  seldom.collect_interval = std::chrono::minutes(10);
  auto a = Join(seldom);
  auto b = Join(seldom);
  ASSERT_TRUE(a->loop.Start().ok());
  ASSERT_TRUE(Within(2, [&] { return a->collector.led.load(); }));
  ASSERT_TRUE(b->loop.Start().ok());
  ASSERT_TRUE(Within(0, [&] { return b->collector.begun.load() == 1; }));
  ASSERT_FALSE(b->collector.led.load());
  a->loop.StepDown();
  EXPECT_TRUE(Within(0, [&] { return !a->collector.led.load(); }));
  EXPECT_TRUE(Within(3, [&] { return b->collector.led.load(); }));
  b->loop.StepDown();
  ASSERT_TRUE(Within(0, [&] { return !b->collector.led.load(); }));
  // As at the stop of the last one.
  EXPECT_TRUE(b->loop.Pause(clock_.Now() + seconds(1)));
  EXPECT_TRUE(Within(0, [&] { return b->collector.led.load(); }));
}

TEST_F(SetLoopTest, WorkForTheLeaseThatFailsIsTriedAgain) {
  auto a = Join();
  a->throws = true;
  a->fails = true;
  ASSERT_TRUE(a->loop.Start().ok());
  ASSERT_TRUE(Within(1, [&] { return a->told.load() == 1; }));
  EXPECT_FALSE(a->told_again.load());
  ASSERT_TRUE(Within(6, [&] { return a->told.load() == 2; }));
  EXPECT_TRUE(a->told_again.load());
  EXPECT_TRUE(a->loop.leads()) << "the lease is kept";
  a->fails = false;
  EXPECT_TRUE(Within(6, [&] { return a->leads.load(); }));
  EXPECT_TRUE(Never(12, [&] { return a->told.load() > 3; }));
  // What was done while paused, and failed.
  (void)a->loop.Pause(TimePoint::min());
  a->loop.Resume(false);
  EXPECT_TRUE(Within(6, [&] { return a->told.load() == 4; }));
  EXPECT_TRUE(Never(7, [&] { return a->told.load() > 4; }));
}

TEST_F(SetLoopTest, FoldsTheDeadWhileItLeads) {
  auto a = Join();
  auto b = Join();
  Get(MakeFamily(*b->registry, MetricType::kCounter, "c_total"), "x")->CounterAdd(2);
  b.reset();
  ASSERT_TRUE(a->loop.Start().ok());
  const auto segments = [&] {
    const auto names = folder_.Names();
    return std::count_if(names.begin(), names.end(),
                         [](const auto& name) { return name.ends_with(".seg"); });
  };
  EXPECT_TRUE(Within(3, [&] { return segments() == 1; }));
  EXPECT_THAT(a->Values(), testing::Contains(Pair("c_total{id=\"x\"}", 2)));
}

// A race that the thread sanitizer sees, and the address sanitizer where a mapping goes.
TEST_F(SetLoopTest, AProcessLeavesWhileItsLoopReadsFilesThatGrow) {
  auto a = Join();
  auto b = Join();
  Family* family = MakeFamily(*b->registry, MetricType::kCounter, "c_total");
  ASSERT_TRUE(a->loop.Start().ok());
  std::atomic<bool> stop{false};
  std::thread grows([&] {
    for (int i = 0; !stop.load() && i < 20'000; ++i) Get(family, std::to_string(i));
  });
  std::thread scrapes([&] {
    while (!stop.load()) (void)a->Values();
  });
  for (int i = 0; i < 200; ++i) EXPECT_FALSE(a->set->Leave(seconds(1)));
  stop.store(true);
  grows.join();
  scrapes.join();
}

TEST_F(SetLoopTest, OfSeveralThingsThatFailEachIsSaidOnce) {
  auto a = Join();
  std::filesystem::remove_all(folder_.path());
  ASSERT_TRUE(a->loop.Start().ok());
  ASSERT_TRUE(Within(30, [&] { return a->collector.begun.load() >= 5; }));
  EXPECT_EQ(Said("asking for the lease failed"), 1u);
  EXPECT_EQ(Said("publishing what collectors say failed"), 1u);
}

TEST_F(SetLoopTest, WhoeverWaitsAtTheEndIsToldThatThereIsNothing) {
  auto a = Join();
  EXPECT_TRUE(a->loop.Ask(nullptr)->Ready()) << "it does not run";
  a->collector.held = true;
  ASSERT_TRUE(a->loop.Start().ok());
  std::atomic<bool> told{false};
  const std::shared_ptr<SetAnswer> answer = a->loop.Ask([&] { told = true; });
  a->loop.Stop();
  EXPECT_TRUE(answer->Ready());
  EXPECT_TRUE(told.load());
  EXPECT_EQ(answer->view(), nullptr);
}

TEST_F(SetLoopTest, ACollectionForWhichThereIsNoMemoryIsBegunAgainASecondLater) {
  auto a = Join();
  a->collector.begin_fails = true;
  ASSERT_TRUE(a->loop.Start().ok());
  const std::shared_ptr<SetAnswer> first = a->loop.Ask(nullptr);
  ASSERT_TRUE(Within(0, [&] { return a->collector.cancelled.load() == 1; }));
  EXPECT_FALSE(first->Ready());
  a->collector.take_fails = true;
  clock_.Advance(seconds(1));
  ASSERT_TRUE(Within(0, [&] { return a->collector.cancelled.load() == 2; }));
  clock_.Advance(seconds(1));
  first->Wait();
  EXPECT_THAT(ValuesOf(*first->view()), ElementsAre(Pair("asked", 3)));
  EXPECT_EQ(a->collector.taken.load(), 2);
}

// A paused loop, as around a reload, does not tick.
TEST_F(SetLoopTest, AViewThatNobodyHasAnyMoreIsFreedWithTheNext) {
  auto a = Join();
  (void)a->loop.Pause(TimePoint::min());
  ASSERT_TRUE(a->loop.Start().ok());
  std::weak_ptr<const SetMerge> first;
  {
    const std::shared_ptr<SetAnswer> answer = a->loop.Ask(nullptr);
    answer->Wait();
    first = answer->view();
  }
  (void)a->Values();
  EXPECT_TRUE(Within(0, [&] { return first.expired(); }));
  a->loop.Resume();
}

TEST_F(SetLoopTest, GoesOnAfterAForkInTheParent) {
  auto a = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1)));
  (void)a->loop.Pause(TimePoint::min());
  a->loop.Park();
  ASSERT_TRUE(a->loop.Unpark().ok());
  a->loop.Resume();
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1)));
}

TEST_F(SetLoopTest, WhoeverAsksAroundAForkIsAnsweredAfterIt) {
  auto a = Join();
  ASSERT_TRUE(a->loop.Start().ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("asked", 1)));
  (void)a->loop.Pause(TimePoint::min());
  a->loop.Park();
  std::atomic<bool> told{false};
  const std::shared_ptr<SetAnswer> answer = a->loop.Ask([&] { told = true; });
  EXPECT_FALSE(answer->Ready());
  ASSERT_TRUE(a->loop.Unpark().ok());
  a->loop.Resume();
  answer->Wait();
  EXPECT_NE(answer->view(), nullptr);
  EXPECT_TRUE(Within(0, [&] { return told.load(); }));
  a->loop.Park();
  const std::shared_ptr<SetAnswer> last = a->loop.Ask(nullptr);
  a->loop.Stop();
  EXPECT_TRUE(last->Ready()) << "it does not come back";
  EXPECT_EQ(last->view(), nullptr);
}

}  // namespace
}  // namespace promplug
