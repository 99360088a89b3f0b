// SPDX-License-Identifier: MIT
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>

#include "base/clock.hpp"
#include "base/fork_closed_fd.hpp"
#include "base/status.hpp"
#include "multiprocess/set_directory.hpp"

namespace promplug {

// The right to push, relay and listen for a set: one process has it. It is a flock of the file
// `lease`, which ends with the process, and a heartbeat, because a child of a bare clone() or
// vfork() that keeps the descriptor keeps the flock of its dead parent. A lease whose heartbeat has
// not changed for `stale_after` is replaced by a new file, under set.lock. Who was only stopped for
// so long finds at its next Renew() that the file is not his any more. Two holders for a moment do
// no harm: both push the same state.
//
// The heartbeat is the file's modification time: it needs no space, is never half written, and
// people see it. Only whether it changes counts, by the clock of whoever watches: clocks of two
// processes are never compared. Hence a lease is taken over `stale_after` after the first TryTake()
// that has seen its last heartbeat.
//
// Used by one thread at a time; never waits but for set.lock, a second at most.
class Lease {
 public:
  // All must outlive it.
  Lease(const SetDirectory& directory, const Clock& clock, Duration stale_after);
  ~Lease();

  // Takes it if it is free or stale. To be called about once a second. True: it is held.
  bool TryTake();
  // As TryTake(), but leaves it to others while it is free: true only once nobody has given it a
  // heartbeat for `stale_after`.
  bool TryTakeUnclaimed();
  // Makes a heartbeat. False: it was lost meanwhile, and is not held any more.
  bool Renew();
  // Gives it back at once.
  void Release();
  // A fork child does not hold it.
  bool held() const { return fd_.get() >= 0; }

  // Why the last TryTake() or Renew() failed by an error; OK where it is just with another process.
  const Status& status() const { return status_; }

 private:
  // What was seen of the lease of somebody else, and since when it has been like that.
  struct Watched {
    dev_t device;
    ino_t inode;
    int64_t beat_s;
    int64_t beat_ns;
    TimePoint since;
  };

  Status Take();
  Status Replace();
  // Whether what `fd` has open is what was watched all the time that makes it stale.
  Result<bool> IsStale(int fd);
  Status Hold(OwnedFd fd);
  Status Beat();

  const SetDirectory& directory_;
  const Clock& clock_;
  const Duration stale_after_;
  ForkClosedFd fd_;
  std::optional<Watched> watched_;
  Status status_;
};

}  // namespace promplug
