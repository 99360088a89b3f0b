// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "multiprocess/remarks.hpp"
#include "multiprocess/retained_totals.hpp"
#include "multiprocess/segment_memory.hpp"
#include "multiprocess/segment_view.hpp"
#include "multiprocess/set_directory.hpp"
#include "multiprocess/set_merge.hpp"

namespace promplug {

struct ProcessSetOptions {
  std::string directory;
  bool allow_disk = false;
  uint64_t max_segment_bytes = uint64_t{256} << 20;
  bool keep_totals = true;  // of a set that has ended, where this process is the first of a new one
};

// What of the totals of processes that are gone is kept.
struct FoldLimits {
  // How long a series is that did not grow and that no process has; zero: for ever.
  Duration expiry{};
  // Of one family; those that grew last. 0: all.
  size_t max_series = 0;
};

// This process as one of a set (docs/multiprocess.md): its own segment, and the view of all. What
// its functions do is bounded by the number and size of the files; none waits for another process
// longer than it says. One thread at a time, but for memory() and worker(); Run() and Leave(),
// again by one thread at a time, may be called beside the rest.
class ProcessSet {
 public:
  // Becomes one of the set. kIo, kTimeout (another one holds set.lock): with a text that names the
  // directory.
  static Result<std::unique_ptr<ProcessSet>> Join(const ProcessSetOptions& options,
                                                  const Clock& clock, const Log& log);
  ProcessSet(const ProcessSet&) = delete;
  ProcessSet& operator=(const ProcessSet&) = delete;

  SegmentMemory& memory() { return *memory_; }
  const SetDirectory& directory() const { return directory_; }
  // The lowest number that no other living process had when this one came.
  uint32_t worker() const { return memory_->header()->worker.load(std::memory_order_relaxed); }

  // From now on it answers scrapes, and what it has besides totals is seen by the others.
  void Run();
  // It is about to stop. True: no other process of the set runs. Of several that leave at once
  // exactly one is told true, unless set.lock, which each of them and who folds holds for a while,
  // cannot be had within about `at_most`: then nobody knows, and it is false.
  bool Leave(Duration at_most);

  // What all processes say, and have said. `refuse` is told what does not fit together. Throws
  // std::bad_alloc. kIo, kTimeout.
  Result<std::shared_ptr<const SetMerge>> Read(const SetMerge::Refuse& refuse);
  // What the collectors of this process said, as PartEncoder writes it.
  Status Publish(std::string_view families);
  // Adds the totals of those that are gone to what is retained, and removes their files. What does
  // not fit together, or is beyond the limits, is left out and told to `refuse`; what ended last
  // counts. A file of totals that cannot be used is set aside, once no process of another layout is
  // alive. Returns how many processes were folded. For the holder of the lease. kIo, kTimeout:
  // nothing changed. Throws std::bad_alloc.
  Result<size_t> Fold(const FoldLimits& limits, const SetMerge::Refuse& refuse);

  // Around fork(), with the locks of who allocates in memory() held. kNoMemory: nothing is locked.
  Status LockForFork() { return memory_->LockForFork(); }
  void UnlockAfterFork() { memory_->UnlockAfterFork(); }
  // In a fork child, between the two: goes on in a file of its own, with the contents of its
  // parent, which nobody else sees before Enter(). On failure in memory that nobody else ever sees.
  // kNoMemory: it must not count anything, since that would count for the parent.
  Status MoveAfterFork();
  // Takes a number, and shows its memory to the others. For a fork child whose values begin from
  // zero; of a process that joins it is a part of Join(). kIo, kTimeout: nobody sees it.
  Status Enter();

 private:
  struct Victim;
  static constexpr uint32_t kLockMs = 1000;

  ProcessSet(ProcessSetOptions options, SetDirectory directory,
             std::unique_ptr<SegmentMemory> memory, const Clock& clock, const Log& log);

  Result<uint32_t> FreeWorker(const std::vector<SetDirectory::SegmentFile>& files);
  // nullptr: it is gone, or is nothing that can be read (said once). kIo: it may be another time.
  Result<SegmentView*> View(const Uuid& uuid);
  Result<std::shared_ptr<const SetMerge>> ReadWhole();
  Result<bool> ReadOnce(SetMerge* merge);
  Status AddAll(const std::vector<SetDirectory::SegmentFile>& files, SetMerge* merge);
  Status AddProcess(const Uuid& uuid, const PartOwner& owner, SegmentView* view, SetMerge* merge);
  Status AddCollected(const Uuid& uuid, const PartOwner& owner, SetMerge* merge);
  Status AddRetained(SetMerge* merge) const;
  Result<size_t> FoldIfDue(const FoldLimits& limits);
  Result<size_t> FoldLocked(const FoldLimits& limits);
  // What is retained, and what these say, as it is to be retained.
  Result<std::string> FoldedFamilies(const std::vector<Victim>& victims, const FoldLimits& limits);
  // Whether totals can be added to what is retained.
  Result<bool> MakeRetainedUsable(const std::vector<SetDirectory::SegmentFile>& files);
  // The newest first.
  std::vector<Victim> ClaimVictims(const std::vector<SetDirectory::SegmentFile>& files);
  std::unique_ptr<SetMerge> LiveOnly();
  void SayOnce(const Uuid& uuid, const Status& status, std::string_view what);

  const ProcessSetOptions options_;
  const Clock& clock_;
  const Log& log_;
  SetDirectory directory_;
  std::unique_ptr<SegmentMemory> memory_;
  std::map<Uuid, std::unique_ptr<SegmentView>> views_;
  std::set<Uuid> said_;
  Remarks remarks_;  // said without a lock
  RetainedTotals retained_;
  TimePoint expired_at_;
};

}  // namespace promplug
