// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fork_closed_fd.hpp"
#include "base/owned_fd.hpp"
#include "base/status.hpp"
#include "multiprocess/retained.hpp"
#include "multiprocess/set_files.hpp"

namespace promplug {

// The flock of set.lock, given back at the end of this. A fork child does not hold it and cannot
// keep it held, since it is unlocked, not only closed. But a child of a bare clone() keeps it that
// outlives a parent killed in between.
class SetLock {
 public:
  explicit SetLock(OwnedFd fd);
  ~SetLock();
  SetLock(SetLock&&) noexcept = default;
  SetLock& operator=(SetLock&&) = delete;

  // False: somebody else holds it. kIo.
  Result<bool> Try();
  // Whether `name` is the file that is locked.
  bool IsOn(const SetFiles& files, const std::string& name) const;

 private:
  std::unique_ptr<ForkClosedFd> fd_;  // nullptr: moved from
};

// The directory that makes processes a set, and the files in it (SetFiles says which files count):
//
//   set.lock        flock: folding, slots, taking over a lease that is stale
//   retained        the totals of those that are gone (retained.hpp)
//   retained.unusable  one that could not be used
//   UUID.seg        the segment of one process; flocked by it, and by its fork children, as long as
//                   they live
//   UUID.col        what its collectors said last
//   lease           flocked by the process that pushes and listens (lease.hpp)
//   .new-*          files that have not got their name yet
//
// Files with other names are left alone. All system calls are on local files and do not wait, but
// for LockSet(). Every kIo has a text that names the file. Thread-safe: it holds nothing but the
// descriptor of the directory.
class SetDirectory {
 public:
  // kIo, with a text that names the directory and what to do: it is not there, is no directory, may
  // not be written, or stands on a disk although `allow_disk` is not set (a store to a mapped page
  // of a disk can wait for writeback).
  static Result<SetDirectory> Open(const std::string& path, bool allow_disk);

  const std::string& path() const { return files_.path(); }
  const SetFiles& files() const { return files_; }

  // flock of set.lock, waiting at most about `timeout_ms` by trying. kTimeout, kIo; kInvalid: the
  // file is that of another user.
  Result<SetLock> LockSet(uint32_t timeout_ms) const;

  // A new file for a segment of `bytes` bytes, all of them allocated, flocked, that has no name
  // that others see yet. kIo: no space, or another error; nothing is left behind.
  using NewSegment = SetFiles::NewFile;
  Result<NewSegment> CreateSegment(uint64_t bytes) const;
  // Gives it its name. Before this, others take it for a remnant only when its flock can be had.
  Status PublishSegment(const Uuid& uuid) const;
  // Makes the file longer, to `most` bytes or as many as there is room for, `least` at least, all
  // allocated (never sparse: a store to a hole of a full tmpfs kills the process by SIGBUS). A file
  // that has `least` bytes stays as it is. Returns how long it is. kIo.
  static Result<uint64_t> Grow(int fd, uint64_t least, uint64_t most);

  struct SegmentFile {
    Uuid uuid;
    // Its flock is held by somebody. What is dead stays so: nobody takes that flock again.
    bool live = false;
  };
  // Every *.seg there is at the moment; those whose uuid is in `skip` are left out. Their liveness
  // is asked file by file without waiting; `self` (may be null) counts as live without being asked.
  // kIo also where one cannot be asked (no descriptor is left): a view without it would be wrong.
  Result<std::vector<SegmentFile>> List(const std::vector<Uuid>& skip, const Uuid* self) const;
  // Opens a segment for reading. kNotFound: it is gone. kInvalid: none that counts.
  Result<OwnedFd> OpenSegment(const Uuid& uuid) const;
  // Opens a dead segment for folding. nullopt: somebody lives in it, or it is gone. The flock that
  // is taken is a shared one, so that readers go on to see it dead. REQUIRES: set.lock is held.
  std::optional<OwnedFd> ClaimDead(const Uuid& uuid) const;
  // Both files of a process. Missing ones are fine.
  void Unlink(const Uuid& uuid) const;
  // Whether a file of the process may be there.
  bool Exists(const Uuid& uuid) const;
  // Removes .new-* files whose makers are gone, and *.col without a *.seg. REQUIRES: set.lock is
  // held.
  void RemoveRemnants() const;

  // `retained`, whole; nullopt: there is none (generation 0). kIo, kInvalid, kVersion.
  Result<std::optional<Retained>> ReadRetained() const;
  // The generation alone, by the head of the file: cheap. 0: none. Fails as ReadRetained().
  Result<uint64_t> RetainedGeneration() const;
  // Writes a file beside it and renames. REQUIRES: set.lock is held. kIo: nothing changed.
  Status CommitRetained(const Retained& retained) const;
  // REQUIRES: set.lock is held.
  Status RemoveRetained() const;
  // Calls it kRetainedAside, instead of what had that name. REQUIRES: set.lock is held.
  Status SetRetainedAside() const;
  static constexpr char kRetainedAside[] = "retained.unusable";

  // What collectors of a process said; replaced as a whole.
  Status WriteCollected(const Uuid& uuid, std::string_view bytes) const;
  // kNotFound. At most `max_bytes` (kLimit).
  Result<std::string> ReadCollected(const Uuid& uuid, uint64_t max_bytes) const;

 private:
  explicit SetDirectory(SetFiles files) : files_(std::move(files)) {}

  // The first `max_bytes` bytes of `retained`; nullopt: there is none.
  Result<std::optional<std::string>> ReadRetainedBytes(uint64_t max_bytes) const;

  SetFiles files_;
};

}  // namespace promplug
