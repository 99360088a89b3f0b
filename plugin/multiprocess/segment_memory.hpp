// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.hpp"
#include "base/owned_fd.hpp"
#include "base/status.hpp"
#include "metrics/metric_memory.hpp"
#include "multiprocess/segment_layout.hpp"
#include "multiprocess/set_directory.hpp"

namespace promplug {

// The memory of a registry in a file of a set's directory, which the other processes read. It is
// mapped once, at its largest size, and the file grows under it, always allocated before it is
// touched: so addresses never move, updates are the same code as in one process, and a full file
// system is a failed Allocate(), never a signal.
//
// The flock of the file says that the process lives: fork children that go on counting here hold
// it, too.
class SegmentMemory final : public MetricMemory {
 public:
  // Has no name in the directory yet. kIo: no space, or no such address space.
  static Result<std::unique_ptr<SegmentMemory>> Create(const SetDirectory& directory,
                                                       uint64_t max_bytes, const Clock& clock);
  // The file stays for those who fold it. REQUIRES: nobody uses the memory any more.
  ~SegmentMemory() override;

  void* Allocate(size_t bytes, size_t alignment) noexcept override;
  void* TryAllocate(size_t bytes, size_t alignment) noexcept override;
  void MakeRoom() noexcept override;
  void Free(void* block, size_t bytes, size_t alignment) noexcept override;
  bool shared() const override { return true; }
  void Publish(FamilyRecord* record) override;

  const Uuid& uuid() const { return header()->uuid; }
  SegmentHeader* header() const { return static_cast<SegmentHeader*>(base_); }
  // What of the file is in use.
  uint64_t used_bytes() const;
  // Whether there was no space for an Allocate() or TryAllocate() since the last call of this.
  bool TakeShortage();

  // Around fork(). LockForFork() keeps a copy of everything in use, which a child begins with: the
  // parent goes on changing the file. kNoMemory: nothing is locked.
  Status LockForFork();
  void UnlockAfterFork();
  // In a fork child, between the two: goes on in a new file without a name yet, at the same
  // addresses, with the copy's contents. On failure it goes on in memory that nobody else sees.
  Status MoveAfterFork(const SetDirectory& directory);

 private:
  SegmentMemory(void* base, uint64_t max_bytes, OwnedFd fd, const Clock& clock);

  // A block that was freed, or nullptr. `size` is rounded.
  void* FreeBlockLocked(size_t size, size_t alignment) noexcept;
  bool GrowLocked(uint64_t wanted) noexcept;
  void InitializeHeader(const Uuid& uuid);

  void* const base_;
  const uint64_t max_bytes_;
  const Clock& clock_;
  OwnedFd fd_;  // -1: memory that nobody else sees

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  uint64_t used_;
  bool shortage_ = false;
  bool starved_ = false;                       // a TryAllocate() has found no room
  bool tried_ = false;                         // there was a TryAllocate()
  std::map<size_t, std::vector<void*>> free_;  // by size
  std::vector<char> copy_;
};

}  // namespace promplug
