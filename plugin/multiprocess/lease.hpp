// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/fork_closed_fd.hpp"
#include "base/status.hpp"
#include "multiprocess/set_directory.hpp"

namespace promplug {

// The right to push, relay and listen for a set: one process has it. It is a flock of the file
// `lease`, which ends with the process, and a heartbeat in it, because a child of a bare clone() or
// vfork() that keeps the descriptor keeps the flock of its dead parent. A lease without a heartbeat
// for `stale_after` is replaced by a new file, under set.lock. Who was only stopped for so long
// finds at its next Renew() that the file is not his any more. Two holders for a moment do no harm:
// both push the same state. Used by one thread at a time; never waits but for set.lock, a second at
// most.
class Lease {
 public:
  // All must outlive it.
  Lease(const SetDirectory& directory, const Clock& clock, Duration stale_after);
  ~Lease();

  // Takes it if it is free or stale. To be called about once a second. True: it is held.
  bool TryTake();
  // Writes the heartbeat. False: it was lost meanwhile, and is not held any more.
  bool Renew();
  // Gives it back at once.
  void Release();
  bool held() const { return fd_.get() >= 0; }

 private:
  const SetDirectory& directory_;
  const Clock& clock_;
  const Duration stale_after_;
  ForkClosedFd fd_;  // a fork child is not the holder
};

}  // namespace promplug
