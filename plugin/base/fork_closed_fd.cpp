// SPDX-License-Identifier: MIT
#include "base/fork_closed_fd.hpp"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <array>

namespace promplug {
namespace {

// What a place holds: nothing and nobody's, nothing though somebody's, or a descriptor plus kFirst.
constexpr int kFree = 0;
constexpr int kTaken = 1;
constexpr int kFirst = 2;

// The one state of the process here. A fork handler is called without an argument, so what it
// closes has to be found from a global; a fixed number of words needs no lock, which a child could
// inherit locked. It is valid as long as the process, as the code is (-z nodelete).
constinit std::array<std::atomic<int>, ForkClosedFd::kMaxFds> places{};

// In the child, which has one thread: may only do what a signal handler may.
void CloseAllInChild() {
  const int before = errno;
  for (std::atomic<int>& place : places) {
    const int held = place.load(std::memory_order_relaxed);
    if (held < kFirst) continue;
    // Taken: the owner still refers to it, and gives it back itself, if ever.
    place.store(kTaken, std::memory_order_relaxed);
    close(held - kFirst);
  }
  errno = before;
}

bool HandlerIsThere() {
  static const bool there = pthread_atfork(nullptr, nullptr, CloseAllInChild) == 0;
  return there;
}

std::atomic<int>* TakePlace() {
  if (!HandlerIsThere()) return nullptr;
  for (std::atomic<int>& place : places) {
    int expected = kFree;
    if (place.compare_exchange_strong(expected, kTaken)) return &place;
  }
  return nullptr;
}

}  // namespace

int ForkClosedFd::get() const {
  if (place_ == nullptr) return -1;
  const int held = place_->load(std::memory_order_relaxed);
  return held < kFirst ? -1 : held - kFirst;
}

void ForkClosedFd::Reset(int fd) {
  if (place_ != nullptr) {
    // The place is given up before the descriptor: in a child forked in between, the number may by
    // then be of something else.
    const int held = place_->exchange(kFree);
    place_ = nullptr;
    if (held >= kFirst) close(held - kFirst);
  }
  if (fd < 0) return;
  place_ = TakePlace();
  if (place_ == nullptr) place_ = &own_;
  place_->store(fd + kFirst);
}

}  // namespace promplug
