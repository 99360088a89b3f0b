// SPDX-License-Identifier: MIT
#include "multiprocess/lease.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <fstream>
#include <optional>
#include <thread>
#include <vector>

#include "support/manual_clock.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using test::Child;
using test::ManualClock;
using test::OpenSet;
using test::SaidInChild;
using test::SetFolder;
using ::testing::HasSubstr;

constexpr Duration kStale = seconds(10);

// Counts who has asked for the time.
class AskedClock final : public Clock {
 public:
  explicit AskedClock(const Clock& clock) : clock_(clock) {}
  TimePoint Now() const override {
    ++n_asked;
    return clock_.Now();
  }
  int64_t UnixMillis() const override { return clock_.UnixMillis(); }
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                 TimePoint deadline) const override {
    clock_.WaitUntil(lock, condition, deadline);
  }

  mutable std::atomic<int> n_asked{0};

 private:
  const Clock& clock_;
};

class LeaseTest : public ::testing::Test {
 protected:
  // Another process that holds it, of whose descriptor a child is left that nobody sees.
  pid_t TakeAndDieWithAChildThatKeepsIt() {
    int pipe[2];
    EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    Child child([&] {
      (void)(new Lease(directory_, clock_, kStale))->TryTake();
      const auto pid = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
      if (pid == 0) {
        for (;;) ::pause();
      }
      (void)!::write(pipe[1], &pid, sizeof pid);
    });
    child.Kill();
    pid_t grandchild = -1;
    EXPECT_EQ(::read(pipe[0], &grandchild, sizeof grandchild), ssize_t{sizeof grandchild});
    ::close(pipe[0]);
    ::close(pipe[1]);
    return grandchild;
  }

  const SetFolder folder_;
  const SetDirectory directory_ = OpenSet(folder_.path());
  ManualClock clock_;
  Lease one_{directory_, clock_, kStale};
  Lease two_{directory_, clock_, kStale};
};

TEST_F(LeaseTest, OneOfTwoHasIt) {
  EXPECT_TRUE(one_.TryTake());
  EXPECT_FALSE(two_.TryTake());
  EXPECT_TRUE(one_.held());
  EXPECT_FALSE(two_.held());
  EXPECT_TRUE(two_.status().ok());
  EXPECT_TRUE(one_.TryTake()) << "who has it keeps it";
  EXPECT_FALSE(two_.Renew()) << "who has none does not get it by that";
}

TEST_F(LeaseTest, WhatIsGivenBackIsFreeAtOnce) {
  ASSERT_TRUE(one_.TryTake());
  one_.Release();
  EXPECT_FALSE(one_.held());
  EXPECT_TRUE(two_.TryTake());
  EXPECT_FALSE(one_.Renew());
}

TEST_F(LeaseTest, WhoWantsItOnlyUnclaimedLeavesItToOthersAsLongAsSomebodyMayCome) {
  EXPECT_FALSE(one_.TryTakeUnclaimed()) << "it is free";
  clock_.Advance(kStale - seconds(1));
  EXPECT_FALSE(one_.TryTakeUnclaimed());
  EXPECT_TRUE(two_.TryTake());
  for (int i = 0; i < 3; ++i) {
    clock_.Advance(kStale - seconds(1));
    EXPECT_TRUE(two_.Renew());
    EXPECT_FALSE(one_.TryTakeUnclaimed());
  }
  two_.Release();
  clock_.Advance(kStale - seconds(1));
  EXPECT_FALSE(one_.TryTakeUnclaimed());
  clock_.Advance(seconds(1));
  EXPECT_TRUE(one_.TryTakeUnclaimed());
  EXPECT_TRUE(one_.TryTakeUnclaimed()) << "who has it keeps it";
}

TEST_F(LeaseTest, ItIsFreeAsSoonAsItsProcessIsKilled) {
  Child child([this] { (void)(new Lease(directory_, clock_, kStale))->TryTake(); });
  EXPECT_FALSE(one_.TryTake());
  child.Kill();
  EXPECT_TRUE(one_.TryTake());
}

TEST_F(LeaseTest, HeartbeatsKeepIt) {
  ASSERT_TRUE(one_.TryTake());
  for (int i = 0; i < 100; ++i) {
    clock_.Advance(kStale - seconds(1));
    EXPECT_TRUE(one_.Renew());
    EXPECT_FALSE(two_.TryTake());
  }
}

TEST_F(LeaseTest, WithoutHeartbeatsItIsTakenOver) {
  ASSERT_TRUE(one_.TryTake());
  EXPECT_FALSE(two_.TryTake());
  clock_.Advance(kStale - seconds(1));
  EXPECT_FALSE(two_.TryTake());
  clock_.Advance(seconds(1));
  EXPECT_TRUE(two_.TryTake());
  EXPECT_FALSE(one_.Renew());
  EXPECT_FALSE(one_.held());
  EXPECT_TRUE(one_.status().ok());
  EXPECT_TRUE(two_.Renew());
  EXPECT_FALSE(one_.TryTake());
  EXPECT_THAT(folder_.Names(), ::testing::ElementsAre("lease", "set.lock"));
}

TEST_F(LeaseTest, WhoHasJustComeWatchesFirst) {
  ASSERT_TRUE(one_.TryTake());
  clock_.Advance(hours(1));
  EXPECT_FALSE(two_.TryTake()) << "nobody knows whether the heart stands still or beats slowly";
  clock_.Advance(kStale);
  EXPECT_TRUE(two_.TryTake());
}

TEST_F(LeaseTest, AChildThatNobodySawDoesNotKeepItForEver) {
  const pid_t child = TakeAndDieWithAChildThatKeepsIt();
  EXPECT_FALSE(one_.TryTake());
  clock_.Advance(kStale);
  EXPECT_TRUE(one_.TryTake());
  EXPECT_TRUE(one_.Renew());
  EXPECT_FALSE(two_.TryTake());
  ::kill(child, SIGKILL);
}

TEST_F(LeaseTest, AChildThatNobodySawDoesNotKeepWhatIsGivenBack) {
  ASSERT_TRUE(one_.TryTake());
  const Child child([] {}, Child::By::kClone);
  one_.Release();
  EXPECT_TRUE(two_.TryTake());
}

TEST_F(LeaseTest, AForkChildIsNotTheHolder) {
  ASSERT_TRUE(one_.TryTake());
  const std::string said = SaidInChild([this]() -> std::string {
    if (one_.held() || one_.Renew()) return "held in the child";
    one_.Release();
    return two_.TryTake() ? "taken from the parent" : "";
  });
  EXPECT_EQ(said, "");
  EXPECT_TRUE(one_.Renew());
}

// All of them have found it stale before the first can replace it.
TEST_F(LeaseTest, OfManyWhoFindItStaleOneTakesIt) {
  ASSERT_TRUE(one_.TryTake());
  const AskedClock clock(clock_);
  std::deque<Lease> others;
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(others.emplace_back(directory_, clock, kStale).TryTake());
  }
  clock_.Advance(kStale);
  clock.n_asked = 0;
  auto lock = std::make_optional(directory_.LockSet(60'000));
  std::vector<std::thread> threads;
  for (Lease& lease : others) threads.emplace_back([&lease] { (void)lease.TryTake(); });
  while (clock.n_asked < 8) std::this_thread::yield();
  lock.reset();
  for (std::thread& thread : threads) thread.join();
  const auto held = [](const Lease& lease) { return lease.held(); };
  // None where the machine was so slow that all have given up to wait for set.lock.
  EXPECT_LE(std::count_if(others.begin(), others.end(), held), 1);
}

TEST_F(LeaseTest, OfManyOneHoldsIt) {
  std::atomic<int> holders{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      Lease lease(directory_, clock_, kStale);
      for (int taken = 0; taken < 50;) {
        if (!lease.TryTake()) continue;
        ++taken;
        if (holders.fetch_add(1) != 0) ++wrong;
        holders.fetch_sub(1);
        lease.Release();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(LeaseTest, ClocksOfTwoProcessesAreNotCompared) {
  ManualClock ahead;
  ahead.Advance(hours(24 * 365));
  Lease future(directory_, ahead, kStale);
  ASSERT_TRUE(future.TryTake());
  EXPECT_FALSE(one_.TryTake());
  clock_.Advance(kStale - seconds(1));
  ahead.Advance(-hours(24));
  EXPECT_TRUE(future.Renew());
  EXPECT_FALSE(one_.TryTake());
  clock_.Advance(seconds(1));
  EXPECT_FALSE(one_.TryTake()) << "a clock that was set back beats, too";
  clock_.Advance(kStale);
  EXPECT_TRUE(one_.TryTake());
}

TEST_F(LeaseTest, AFileWithoutAFlockIsFree) {
  std::ofstream(folder_ / "lease") << "whatever it says";
  EXPECT_TRUE(one_.TryTake());
}

TEST_F(LeaseTest, AFlockWithoutAHeartbeatIsStaleInTheEnd) {
  const auto fd = directory_.files().OpenOrCreate("lease");
  ASSERT_TRUE(fd.ok());
  ASSERT_TRUE(SetFiles::TryLock(fd.value().get(), LOCK_EX).value());
  EXPECT_FALSE(one_.TryTake());
  clock_.Advance(kStale);
  EXPECT_TRUE(one_.TryTake());
}

TEST_F(LeaseTest, AFileThatWasRemovedIsNoLease) {
  ASSERT_TRUE(one_.TryTake());
  ASSERT_EQ(::unlink((folder_ / "lease").c_str()), 0);
  EXPECT_TRUE(two_.TryTake());
  EXPECT_FALSE(one_.Renew());
}

TEST_F(LeaseTest, ALeaseThatCannotBeHadSaysWhy) {
  ASSERT_EQ(::mkdir((folder_ / "lease").c_str(), 0700), 0);
  EXPECT_FALSE(one_.TryTake());
  EXPECT_EQ(one_.status().code(), Code::kInvalid);
  EXPECT_THAT(one_.status().text(), HasSubstr(folder_ / "lease"));
  ASSERT_EQ(::rmdir((folder_ / "lease").c_str()), 0);
  EXPECT_TRUE(one_.TryTake());
  EXPECT_TRUE(one_.status().ok());
}

// The heart beats where no byte can be written.
TEST_F(LeaseTest, AFullFileSystemDoesNotEndIt) {
  const std::string said = SaidInChild([this]() -> std::string {
    if (test::MountForItself(folder_.path(), "tmpfs", "size=64k")) {
      const SetDirectory directory = OpenSet(folder_.path());
      while (directory.CreateSegment(4096).ok()) {
      }
    }
    const SetDirectory directory = OpenSet(folder_.path());
    Lease one(directory, clock_, kStale);
    if (!one.TryTake()) return "not taken: " + one.status().text();
    clock_.Advance(seconds(1));
    return one.Renew() ? "" : "lost: " + one.status().text();
  });
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace promplug
