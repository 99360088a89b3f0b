// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <optional>
#include <thread>

#include "unit/multiprocess/process_set_testing.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;
using test::Get;
using test::MakeFamily;
using test::ValuesOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

using ProcessSetTest = test::ProcessSetWorld;

TEST_F(ProcessSetTest, AProcessGetsTheLowestNumberThatIsFree) {
  auto a = Join();
  auto b = Join();
  auto c = Join();
  EXPECT_EQ(a->set->worker(), 0u);
  EXPECT_EQ(b->set->worker(), 1u);
  EXPECT_EQ(c->set->worker(), 2u);
  b.reset();
  EXPECT_EQ(Join()->set->worker(), 1u);
}

TEST_F(ProcessSetTest, AViewHasAllThatLiveAndTheTotalsOfTheOthers) {
  auto a = Join();
  auto b = Join();
  Count(*a, "x", 1);
  Count(*b, "x", 2);
  Count(*b, "only b", 4);
  Get(MakeFamily(*b->registry, MetricType::kGauge, "g"), "x")->GaugeSet(9);
  const auto all = ElementsAre(Pair("c_total{id=\"only b\"}", 4), Pair("c_total{id=\"x\"}", 3),
                               Pair("g{id=\"x\",worker=\"1\"}", 9));
  EXPECT_THAT(a->Values(), all);
  EXPECT_THAT(b->Values(), all);
  b.reset();
  const auto without_gauge =
      ElementsAre(Pair("c_total{id=\"only b\"}", 4), Pair("c_total{id=\"x\"}", 3));
  EXPECT_THAT(a->Values(), without_gauge);
  EXPECT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  EXPECT_THAT(a->Values(), without_gauge);
  EXPECT_EQ(FilesWith(".seg"), 1u);
  EXPECT_EQ(a->set->Fold({}, ignore_).value(), 0u);
  // One that comes sees them, too.
  EXPECT_THAT(Join()->Values(), without_gauge);
}

TEST_F(ProcessSetTest, NativeBucketsStayWhenTheirProcessHasEnded) {
  auto a = Join();
  auto b = Join();
  for (Member* process : {a.get(), b.get()}) {
    Get(MakeFamily(*process->registry, MetricType::kHistogram, "h", ProcessMode::kDefault, 16), "x")
        ->Observe(3);
  }
  const auto native = [&] {
    const auto view = a->set->Read(ignore_).value();
    Point point;
    const auto source = view->Read(0);
    EXPECT_EQ(source->Next(&point, 1), 1u);
    return point.native == nullptr ? 0 : point.native->positive_counts[0];
  };
  EXPECT_EQ(native(), 2u);
  b.reset();
  EXPECT_EQ(native(), 2u);
  EXPECT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  EXPECT_EQ(native(), 2u);
}

TEST_F(ProcessSetTest, OfAProcessThatWasNotStartedOnlyTheTotalsAreSeen) {
  auto a = Join();
  auto b = Join(false);
  Count(*b, "x", 2);
  Get(MakeFamily(*b->registry, MetricType::kGauge, "g"), "x")->GaugeSet(9);
  EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 2)));
  b->set->Run();
  EXPECT_THAT(a->Values(),
              ElementsAre(Pair("c_total{id=\"x\"}", 2), Pair("g{id=\"x\",worker=\"1\"}", 9)));
}

TEST_F(ProcessSetTest, WhatWasFoldedIsFoldedOnceWhateverTheFolderLeftBehind) {
  auto a = Join();
  auto b = Join();
  Count(*b, "x", 5);
  const Uuid uuid = b->set->memory().uuid();
  // The folder is killed between the rename and the unlink: b's file is back afterwards.
  const OwnedFd file = std::move(a->set->directory().OpenSegment(uuid)).value();
  std::string bytes(b->set->memory().header()->bytes.load(), '\0');
  ASSERT_EQ(::pread(file.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  std::string name;
  for (const std::string& each : folder_.Names()) {
    struct stat info {};
    struct stat own {};
    ASSERT_EQ(::stat((folder_ / each).c_str(), &info), 0);
    ASSERT_EQ(::fstat(file.get(), &own), 0);
    if (info.st_ino == own.st_ino) name = each;
  }
  b.reset();
  ASSERT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  const OwnedFd again(::open((folder_ / name).c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(again.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 5)));
  ASSERT_TRUE(a->set->Fold({}, ignore_).ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 5)));
  EXPECT_EQ(FilesWith(".seg"), 1u);
}

TEST_F(ProcessSetTest, TheFirstProcessKeepsOrClearsTheTotalsOfAnEarlierSet) {
  Count(*Join(), "x", 5);
  EXPECT_THAT(Join()->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 5)));
  keep_ = false;
  auto first = Join();
  EXPECT_THAT(first->Values(), ElementsAre());
  Count(*Join(), "x", 2);
  // The second one is not the first.
  EXPECT_THAT(Join()->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 2)));
}

TEST_F(ProcessSetTest, OfThoseThatLeaveExactlyTheLastIsTold) {
  auto a = Join();
  auto b = Join();
  auto c = Join(false);
  // c was never started: it does not count.
  EXPECT_FALSE(a->set->Leave(seconds(1)));
  EXPECT_TRUE(b->set->Leave(seconds(1)));
  EXPECT_TRUE(c->set->Leave(seconds(1)));
  a->set->Run();
  EXPECT_FALSE(b->set->Leave(seconds(1)));
  a.reset();
  EXPECT_TRUE(b->set->Leave(seconds(1)));
}

TEST_F(ProcessSetTest, AForkChildIsSeenOnceItHasEnteredAndNotBefore) {
  auto a = Join();
  Count(*a, "x", 5);
  for (const bool enters : {false, true}) {
    a->registry->LockForFork();
    ASSERT_TRUE(a->set->LockForFork().ok());
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      if (!a->set->MoveAfterFork().ok()) ::_exit(1);
      a->set->UnlockAfterFork();
      a->registry->UnlockAfterFork();
      if (enters) {
        a->registry->ResetValues();
        Count(*a, "x", 3);
        if (!a->set->Enter().ok() || a->set->worker() != 1) ::_exit(2);
      }
      ::_exit(0);
    }
    a->set->UnlockAfterFork();
    a->registry->UnlockAfterFork();
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    const double all = enters ? 8 : 5;
    EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", all)));
    EXPECT_EQ(a->set->Fold({}, ignore_).value(), enters ? 1u : 0u);
    EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", all)));
  }
  EXPECT_EQ(FilesWith(".seg"), 1u);
}

TEST_F(ProcessSetTest, WhoLeavesWaitsForTheLockAsLongAsItIsTold) {
  auto a = Join();
  auto b = Join();
  std::optional<SetLock> lock(std::move(b->set->directory().LockSet(0)).value());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(a->set->Leave(std::chrono::milliseconds(1))) << "nobody knows";
  EXPECT_FALSE(a->set->Leave(-seconds(1)));
  b.reset();
  a->set->Run();
  // As long as a fold of much can take.
  std::thread folds([&] {
    while (std::chrono::steady_clock::now() < begin + std::chrono::milliseconds(1500)) {
      std::this_thread::yield();
    }
    lock.reset();
  });
  EXPECT_TRUE(a->set->Leave(seconds(30)));
  folds.join();
}

TEST_F(ProcessSetTest, CollectedCountersStayWithTheTotalsAndGaugesGoWithTheirProcess) {
  auto a = Join();
  auto b = Join();
  Publish(*a, MetricType::kCounter, 3);
  Publish(*b, MetricType::kCounter, 4);
  EXPECT_THAT(a->Values(), ElementsAre(Pair("said", 7)));
  b.reset();
  ASSERT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  EXPECT_THAT(a->Values(), ElementsAre(Pair("said", 7)));
  EXPECT_EQ(FilesWith(".col"), 1u);
}

TEST_F(ProcessSetTest, WhatOneProcessSaysForAllGoesWithIt) {
  auto a = Join();
  auto b = Join();
  Publish(*b, MetricType::kCounter, 4, true);
  EXPECT_THAT(a->Values(), ElementsAre(Pair("said", 4)));
  b.reset();
  EXPECT_THAT(a->Values(), ElementsAre());
  ASSERT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  EXPECT_THAT(a->Values(), ElementsAre());
}

TEST_F(ProcessSetTest, AnotherTypeIsRefusedAndTheLongestRunningProcessIsRight) {
  auto a = Join();
  clock_.Advance(seconds(1));
  auto b = Join();
  Get(MakeFamily(*b->registry, MetricType::kGauge, "m"), "x")->GaugeSet(1);
  Get(MakeFamily(*a->registry, MetricType::kCounter, "m"), "x")->CounterAdd(2);
  EXPECT_THAT(b->Values(), ElementsAre(Pair("m{id=\"x\"}", 2)));
  EXPECT_THAT(b->refused, ElementsAre("type"));
}

TEST_F(ProcessSetTest, RetainedSeriesExpireWhenNobodyHasThemAnyMore) {
  auto a = Join();
  auto b = Join();
  Count(*b, "gone", 1);
  Count(*b, "both", 1);
  Count(*a, "both", 1);
  b.reset();
  ASSERT_EQ(a->set->Fold({seconds(60)}, ignore_).value(), 1u);
  EXPECT_EQ(a->Values().size(), 2u);
  clock_.Advance(seconds(61));
  ASSERT_TRUE(a->set->Fold({seconds(60)}, ignore_).ok());
  EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"both\"}", 2)));
}

TEST_F(ProcessSetTest, DamagedFilesAreSaidOnceAndCostThemselvesOnly) {
  auto a = Join();
  Count(*a, "x", 1);
  const std::string strange = folder_ / (std::string(32, 'a') + ".seg");
  const OwnedFd fd(::open(strange.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  ASSERT_EQ(::write(fd.get(), "junk", 4), 4);
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 1)));
  }
  EXPECT_EQ(std::count_if(lines_.begin(), lines_.end(),
                          [](const auto& line) {
                            return line.find("too short for a segment") != std::string::npos;
                          }),
            1);
  // Nobody lives in it: it goes.
  ASSERT_TRUE(a->set->Fold({}, ignore_).ok());
  EXPECT_EQ(FilesWith(".seg"), 1u);
  EXPECT_THAT(a->Values(), ElementsAre(Pair("c_total{id=\"x\"}", 1)));
}

TEST_F(ProcessSetTest, WithoutDescriptorsNothingIsTakenForGone) {
  auto a = Join();
  auto dead = Join();
  auto living = Join();
  Count(*dead, "x", 1);
  Count(*living, "x", 2);
  Publish(*living, MetricType::kCounter, 4);
  dead.reset();
  const auto all = ElementsAre(Pair("c_total{id=\"x\"}", 3), Pair("said", 4));
  {
    const test::FewDescriptors none(0);
    EXPECT_EQ(a->set->Read(ignore_).status().code(), Code::kIo);
    EXPECT_EQ(a->set->Fold({}, ignore_).status().code(), Code::kIo);
    ProcessSetOptions options;
    options.directory = folder_.path();
    EXPECT_EQ(ProcessSet::Join(options, clock_, log_).status().code(), Code::kIo);
  }
  // As many as let it begin, and then no more.
  for (int few = 1; few < 8; ++few) {
    const test::FewDescriptors left(few);
    const auto read = a->set->Read(ignore_);
    if (read.ok()) {
      EXPECT_THAT(ValuesOf(*read.value()), all) << few;
    }
    const auto folded = a->set->Fold({}, ignore_);
    EXPECT_EQ(folded.status().code(), folded.ok() ? Code::kOk : Code::kIo) << few;
  }
  EXPECT_THAT(a->Values(), all);
}

TEST_F(ProcessSetTest, ADirectoryThatIsNotThereIsNamed) {
  ProcessSetOptions options;
  options.directory = folder_ / "missing";
  const auto set = ProcessSet::Join(options, clock_, log_);
  ASSERT_FALSE(set.ok());
  EXPECT_THAT(set.status().text(), HasSubstr(options.directory));
}

}  // namespace
}  // namespace promplug
