// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

#include "multiprocess/set_directory.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug {
namespace {

using test::Child;
using test::OpenSet;
using test::SetFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

class SetLockTest : public ::testing::Test {
 protected:
  bool IsFree() const { return directory_.LockSet(0).ok(); }

  const SetFolder folder_;
  const SetDirectory directory_ = OpenSet(folder_.path());
};

TEST_F(SetLockTest, OneHasItUntilItsEnd) {
  {
    const auto lock = directory_.LockSet(0);
    ASSERT_TRUE(lock.ok()) << lock.status().text();
    const Status status = directory_.LockSet(5).status();
    EXPECT_EQ(status.code(), Code::kTimeout);
    EXPECT_THAT(status.text(), AllOf(HasSubstr(folder_ / "set.lock"), HasSubstr("5 ms")));
  }
  EXPECT_TRUE(IsFree());
}

TEST_F(SetLockTest, WhoWaitsGetsItWhenItIsGivenBack) {
  auto lock = std::make_optional(directory_.LockSet(0));
  std::thread waiting([this] { EXPECT_TRUE(directory_.LockSet(60'000).ok()); });
  lock.reset();
  waiting.join();
}

TEST_F(SetLockTest, ItEndsWithItsProcess) {
  Child child([this] { (void)new SetLock(directory_.LockSet(0).value()); });
  EXPECT_FALSE(IsFree());
  child.Kill();
  EXPECT_TRUE(IsFree());
}

TEST_F(SetLockTest, AForkChildNeitherHoldsItNorKeepsItHeld) {
  auto lock = std::make_optional(directory_.LockSet(0));
  {
    // Its copy of the lock ends there.
    const Child child([&lock] { lock.reset(); });
    EXPECT_FALSE(IsFree());
  }
  const Child child([] {});
  lock.reset();
  EXPECT_TRUE(IsFree());
}

TEST_F(SetLockTest, AForkChildDoesNotKeepTheLockOfItsKilledParent) {
  pid_t grandchild = -1;
  int pipe[2];
  ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
  Child child([&] {
    (void)new SetLock(directory_.LockSet(0).value());
    const pid_t pid = ::fork();
    if (pid == 0) {
      for (;;) ::pause();
    }
    (void)!::write(pipe[1], &pid, sizeof pid);
  });
  ASSERT_EQ(::read(pipe[0], &grandchild, sizeof grandchild), ssize_t{sizeof grandchild});
  EXPECT_FALSE(IsFree());
  child.Kill();
  // The grandchild may not have come to its fork handler yet.
  EXPECT_TRUE(directory_.LockSet(60'000).ok());
  ::kill(grandchild, SIGKILL);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(SetLockTest, AChildThatNoForkHandlerSawDoesNotKeepItHeld) {
  auto lock = std::make_optional(directory_.LockSet(0));
  const Child child([] {}, Child::By::kClone);
  EXPECT_FALSE(IsFree());
  lock.reset();
  EXPECT_TRUE(IsFree());
}

TEST_F(SetLockTest, AFileThatWasRemovedIsMadeAnew) {
  { const auto lock = directory_.LockSet(0); }
  ASSERT_EQ(::unlink((folder_ / "set.lock").c_str()), 0);
  EXPECT_TRUE(IsFree());
  EXPECT_THAT(folder_.Names(), ::testing::ElementsAre("set.lock"));
}

TEST_F(SetLockTest, WhatIsNoFileIsNamed) {
  ASSERT_EQ(::symlink("elsewhere", (folder_ / "set.lock").c_str()), 0);
  const Status status = directory_.LockSet(1000).status();
  EXPECT_EQ(status.code(), Code::kInvalid);
  EXPECT_THAT(status.text(), HasSubstr("is no regular file"));
}

TEST_F(SetLockTest, OfManyOneHasIt) {
  std::atomic<int> inside{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n) {
        const auto lock = directory_.LockSet(60'000);
        if (!lock.ok() || inside.fetch_add(1) != 0) ++wrong;
        inside.fetch_sub(1);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Who has opened the file before it was removed must not take its flock for the lock.
TEST_F(SetLockTest, TheLockOfARemovedFileIsNone) {
  std::atomic<int> inside{0};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        const auto lock = directory_.LockSet(0);
        if (!lock.ok()) continue;
        if (inside.fetch_add(1) != 0) ++wrong;
        inside.fetch_sub(1);
        ::unlink((folder_ / "set.lock").c_str());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace promplug
