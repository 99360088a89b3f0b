// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/owned_fd.hpp"
#include "base/status.hpp"
#include "multiprocess/retained.hpp"

namespace promplug {

// The directory that makes processes a set, and the files in it:
//
//   set.lock        flock: folding, slots, taking over a lease that is stale
//   retained        the totals of those that are gone (retained.hpp)
//   UUID.seg        the segment of one process; flocked by it, and by its fork children, as long as
//                   they live
//   UUID.col        what its collectors said last
//   lease           flocked by the process that pushes and listens (lease.hpp)
//   .new-*          files that have not got their name yet
//
// Names with other endings are left alone. All system calls are on local files and do not wait,
// but for LockSet(). Thread-safe: it holds nothing but the descriptor of the directory.
class SetDirectory {
 public:
  // kIo, with a text that names the directory and what to do: it is not there, is no directory, may
  // not be written, or stands on a disk although `allow_disk` is not set (a store to a mapped page
  // of a disk can wait for writeback).
  static Result<SetDirectory> Open(const std::string& path, bool allow_disk);

  const std::string& path() const { return path_; }

  // flock of set.lock, waiting at most about `timeout_ms` by trying; released with the result.
  // kTimeout, kIo.
  Result<OwnedFd> LockSet(uint32_t timeout_ms) const;

  // A new file for a segment of `bytes` bytes, all of them allocated, flocked, that has no name
  // that others see yet. kIo: no space, or another error; nothing is left behind.
  struct NewSegment {
    Uuid uuid;
    OwnedFd fd;
  };
  Result<NewSegment> CreateSegment(uint64_t bytes) const;
  // Gives it its name. Before this, others take it for a remnant only when its flock can be had.
  Status PublishSegment(const Uuid& uuid) const;
  // Makes the file longer, to `bytes`, all allocated (never sparse: a store to a hole of a full
  // tmpfs kills the process by SIGBUS). kIo.
  static Status Grow(int fd, uint64_t bytes);

  struct SegmentFile {
    Uuid uuid;
    bool live = false;  // its flock is held by somebody
  };
  // Every *.seg there is at the moment; those whose uuid is in `skip` are left out. Their liveness
  // is asked file by file without waiting; `self` (may be null) counts as live without being asked.
  Result<std::vector<SegmentFile>> List(const std::vector<Uuid>& skip, const Uuid* self) const;
  // Opens a segment for reading. kNotFound: it is gone.
  Result<OwnedFd> OpenSegment(const Uuid& uuid) const;
  // Takes the flock of a dead segment for folding. nullopt: somebody lives in it, or it is gone.
  std::optional<OwnedFd> ClaimDead(const Uuid& uuid) const;
  // Both files of a process. Missing ones are fine.
  void Unlink(const Uuid& uuid) const;
  bool Exists(const Uuid& uuid) const;
  // Removes .new-* files whose makers are gone, and *.col without a *.seg. REQUIRES: set.lock is
  // held.
  void RemoveRemnants() const;

  // `retained`, whole; nullopt: there is none (generation 0). kIo, kInvalid, kVersion.
  Result<std::optional<Retained>> ReadRetained() const;
  // The generation alone, by the head of the file: cheap. 0: none.
  Result<uint64_t> RetainedGeneration() const;
  // Writes a file beside it and renames. REQUIRES: set.lock is held. kIo: nothing changed.
  Status CommitRetained(const Retained& retained) const;
  // REQUIRES: set.lock is held.
  Status RemoveRetained() const;

  // What collectors of a process said; replaced as a whole.
  Status WriteCollected(const Uuid& uuid, std::string_view bytes) const;
  // kNotFound. At most `max_bytes` (kLimit).
  Result<std::string> ReadCollected(const Uuid& uuid, uint64_t max_bytes) const;

  int fd() const { return fd_.get(); }

 private:
  SetDirectory(std::string path, OwnedFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  OwnedFd fd_;
};

}  // namespace promplug
