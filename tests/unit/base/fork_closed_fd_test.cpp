// SPDX-License-Identifier: MIT
#include "base/fork_closed_fd.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>

namespace promplug {
namespace {

int NewFd() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// What a forked child does, with its verdict as the result.
template <typename Body>
bool HoldsInChild(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body() ? 0 : 1);
  int status = -1;
  waitpid(pid, &status, 0);
  return status == 0;
}

TEST(ForkClosedFd, ClosesWhatItOwns) {
  ForkClosedFd owner;
  EXPECT_EQ(owner.get(), -1);
  const int first = NewFd();
  owner.Reset(first);
  EXPECT_EQ(owner.get(), first);
  const int second = NewFd();
  owner.Reset(second);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_EQ(owner.get(), second);
  owner.Reset();
  EXPECT_FALSE(IsOpen(second));
  EXPECT_EQ(owner.get(), -1);
}

TEST(ForkClosedFd, IsClosedInAChildThatCallsNothing) {
  ForkClosedFd owner;
  const int fd = NewFd();
  owner.Reset(fd);
  EXPECT_TRUE(HoldsInChild([&] { return !IsOpen(fd) && owner.get() == -1; }));
  EXPECT_TRUE(IsOpen(fd));
  EXPECT_EQ(owner.get(), fd);
}

TEST(ForkClosedFd, InAChildNothingElseIsClosedInItsPlace) {
  ForkClosedFd first;
  ForkClosedFd second;
  const int old = NewFd();
  first.Reset(old);
  EXPECT_TRUE(HoldsInChild([&] {
    const int reused = NewFd();
    second.Reset(NewFd());
    const int other = second.get();
    first.Reset();
    return reused == old && IsOpen(reused) && second.get() == other && IsOpen(other);
  }));
}

TEST(ForkClosedFd, AChildOfAChildHasItsOwn) {
  ForkClosedFd owner;
  EXPECT_TRUE(HoldsInChild([&] {
    const int fd = NewFd();
    owner.Reset(fd);
    return HoldsInChild([&] { return !IsOpen(fd); }) && IsOpen(fd);
  }));
}

TEST(ForkClosedFd, BeyondTheTableItIsKeptAllTheSame) {
  std::deque<ForkClosedFd> owners;
  for (int i = 0; i <= ForkClosedFd::kMaxFds; ++i) owners.emplace_back().Reset(NewFd());
  const int last = owners.back().get();
  EXPECT_TRUE(IsOpen(last));
  EXPECT_TRUE(HoldsInChild([&] { return !IsOpen(owners.front().get()) && IsOpen(last); }));
  owners.clear();
  EXPECT_FALSE(IsOpen(last));
}

}  // namespace
}  // namespace promplug
