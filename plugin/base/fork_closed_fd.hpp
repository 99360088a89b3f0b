// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace promplug {

// Owns a descriptor that fork children must not keep, since with it they would keep what belongs to
// it (the port of a listening socket): it is closed in a child before fork() returns there,
// whatever the child goes on to call (but for a fork in the moment in which Reset() is called). Not
// where no fork handlers run (vfork, posix_spawn, clone): exec closes it, as CLOEXEC says. Used by
// one thread at a time.
class ForkClosedFd {
 public:
  ForkClosedFd() = default;
  ~ForkClosedFd() { Reset(); }
  ForkClosedFd(const ForkClosedFd&) = delete;
  ForkClosedFd& operator=(const ForkClosedFd&) = delete;

  // -1: none, also in a child where it has been closed.
  int get() const;
  // Closes what it has and takes over `fd`. Beyond kMaxFds in the process, or without memory, it is
  // kept all the same, but children keep it, too.
  void Reset(int fd = -1);

  static constexpr int kMaxFds = 64;

 private:
  // Where the descriptor stands: a place of the process's table, own_, or nowhere.
  std::atomic<int>* place_ = nullptr;
  std::atomic<int> own_{0};
};

}  // namespace promplug
