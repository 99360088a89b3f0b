// SPDX-License-Identifier: MIT
#include "multiprocess/process_set.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "multiprocess/collected.hpp"
#include "multiprocess/part_codec.hpp"

namespace promplug {
namespace {

// Who does not get in is alone for as long as it lives.
constexpr uint32_t kJoinMs = 5000;
// Each can fail only when a fold came in between, and the holder of the lease folds once a second.
constexpr int kTries = 5;
constexpr uint64_t kMaxCollectedBytes = uint64_t{64} << 20;

using SegmentFile = SetDirectory::SegmentFile;

}  // namespace

Result<std::unique_ptr<ProcessSet>> ProcessSet::Join(const ProcessSetOptions& options,
                                                     const Clock& clock, const Log& log) {
  Result<SetDirectory> directory = SetDirectory::Open(options.directory, options.allow_disk);
  if (!directory.ok()) return directory.status();
  Result<std::unique_ptr<SegmentMemory>> memory =
      SegmentMemory::Create(directory.value(), options.max_segment_bytes, clock);
  if (!memory.ok()) return memory.status();
  std::unique_ptr<ProcessSet> set(
      new ProcessSet(options, std::move(directory).value(), std::move(memory).value(), clock, log));
  Status status = set->Enter();
  set->remarks_.Say(log, {});
  if (!status.ok()) return status;
  return set;
}

ProcessSet::ProcessSet(ProcessSetOptions options, SetDirectory directory,
                       std::unique_ptr<SegmentMemory> memory, const Clock& clock, const Log& log)
    : options_(std::move(options)),
      clock_(clock),
      log_(log),
      directory_(std::move(directory)),
      memory_(std::move(memory)),
      retained_(directory_, remarks_),
      expired_at_(clock.Now()) {}

// Under set.lock, so that two that come at once get different numbers, and only one finds itself
// the first.
Status ProcessSet::Enter() {
  Result<SetLock> lock = directory_.LockSet(kJoinMs);
  if (!lock.ok()) return lock.status();
  Result<std::vector<SegmentFile>> files = directory_.List({}, nullptr);
  if (!files.ok()) return files.status();
  const bool first = std::none_of(files.value().begin(), files.value().end(),
                                  [](const SegmentFile& file) { return file.live; });
  if (first && !options_.keep_totals) {
    Status removed = directory_.RemoveRetained();
    if (!removed.ok()) return removed;
    for (const SegmentFile& file : files.value()) directory_.Unlink(file.uuid);
  } else if (first && retained_.Refresh().ok()) {
    // What fails here is tried, and said, by the first fold.
    (void)MakeRetainedUsable(files.value());
  }
  const Result<uint32_t> worker = FreeWorker(files.value());
  if (!worker.ok()) return worker.status();
  memory_->header()->worker.store(worker.value(), std::memory_order_relaxed);
  return directory_.PublishSegment(memory_->uuid());
}

Result<uint32_t> ProcessSet::FreeWorker(const std::vector<SegmentFile>& files) {
  std::set<uint32_t> taken;
  for (const SegmentFile& file : files) {
    if (!file.live) continue;
    const Result<SegmentView*> view = View(file.uuid);
    if (!view.ok()) return view.status();
    if (view.value() != nullptr) taken.insert(view.value()->worker());
  }
  uint32_t free = 0;
  while (taken.contains(free)) ++free;
  return free;
}

void ProcessSet::Run() {
  memory_->header()->phase.store(static_cast<uint32_t>(SegmentPhase::kRunning),
                                 std::memory_order_release);
}

bool ProcessSet::Leave(Duration at_most) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(at_most).count();
  const Result<SetLock> lock = directory_.LockSet(
      static_cast<uint32_t>(std::clamp<int64_t>(ms, 0, std::numeric_limits<int32_t>::max())));
  memory_->header()->phase.store(static_cast<uint32_t>(SegmentPhase::kLeaving),
                                 std::memory_order_release);
  const Result<std::vector<SegmentFile>> files = directory_.List({}, &memory_->uuid());
  // Without the lock nobody knows; then it is better that nobody deletes what others push.
  if (!lock.ok() || !files.ok()) return false;
  return std::none_of(files.value().begin(), files.value().end(), [this](const SegmentFile& file) {
    if (!file.live || file.uuid == memory_->uuid()) return false;
    // A mapping of its own: views_ is of who reads meanwhile. What an error hides may run.
    const Result<OwnedFd> fd = directory_.OpenSegment(file.uuid);
    if (!fd.ok()) return fd.status().code() == Code::kIo;
    const Result<std::unique_ptr<SegmentView>> view = SegmentView::Map(fd.value().get());
    if (!view.ok()) return view.status().code() == Code::kIo;
    return view.value()->phase() == SegmentPhase::kRunning;
  });
}

void ProcessSet::SayOnce(const Uuid& uuid, const Status& status, std::string_view what) {
  if (!said_.insert(uuid).second) return;
  remarks_.Add(LogLevel::kWarn, "multiprocess.dir: " + directory_.path() + "/" + UuidText(uuid) +
                                    std::string(what) + " is left out: " + status.text());
}

Result<SegmentView*> ProcessSet::View(const Uuid& uuid) {
  std::unique_ptr<SegmentView>& view = views_[uuid];
  if (view != nullptr) return view.get();
  const Result<OwnedFd> fd = directory_.OpenSegment(uuid);
  if (fd.status().code() == Code::kIo) return fd.status();
  // One that is gone was folded meanwhile.
  if (!fd.ok()) return nullptr;
  Result<std::unique_ptr<SegmentView>> mapped =
      SegmentView::Map(fd.value().get(), [this, uuid] { return directory_.OpenSegment(uuid); });
  if (mapped.status().code() == Code::kIo) return mapped.status();
  if (mapped.ok()) {
    view = std::move(mapped).value();
  } else {
    SayOnce(uuid, mapped.status(), ".seg");
  }
  return view.get();
}

Status ProcessSet::AddCollected(const Uuid& uuid, const PartOwner& owner, SetMerge* merge) {
  const Result<std::string> bytes = directory_.ReadCollected(uuid, kMaxCollectedBytes);
  if (bytes.status().code() == Code::kNotFound) return Status();
  if (bytes.status().code() == Code::kIo) return bytes.status();
  if (!bytes.ok()) {
    SayOnce(uuid, bytes.status(), ".col");
    return Status();
  }
  const Result<Collected> collected = DecodeCollected(bytes.value());
  Status status = collected.status();
  if (status.ok()) {
    PartOwner publisher = owner;
    publisher.published_ms = collected.value().unix_ms;
    status = DecodeParts(collected.value().families, [&](const PartHead& head, PartPoints* points) {
      merge->Add(head, publisher, points);
    });
  }
  if (!status.ok()) SayOnce(uuid, status, ".col");
  return Status();
}

Status ProcessSet::AddProcess(const Uuid& uuid, const PartOwner& owner, SegmentView* view,
                              SetMerge* merge) {
  Status status = view->ForEach(clock_.Now(), [&](const PartHead& head, PartPoints* points) {
    merge->Add(head, owner, points);
  });
  return status.ok() ? AddCollected(uuid, owner, merge) : status;
}

// The living first, the oldest of them in front: what they say their families are counts.
Status ProcessSet::AddAll(const std::vector<SegmentFile>& files, SetMerge* merge) {
  struct Part {
    const SegmentFile* file;
    SegmentView* view;
  };
  std::vector<Part> parts;
  for (const SegmentFile& file : files) {
    const Result<SegmentView*> view = View(file.uuid);
    if (!view.ok()) return view.status();
    if (view.value() != nullptr) parts.push_back({&file, view.value()});
  }
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    if (a.file->live != b.file->live) return a.file->live;
    return a.view->header().created_unix_ms < b.view->header().created_unix_ms;
  });
  for (const Part& part : parts) {
    auto state = part.file->live ? PartOwner::State::kLive : PartOwner::State::kDead;
    // The master of a preloaded server: it counts before it forks, and its gauges mean nothing.
    if (part.file->live && part.view->phase() == SegmentPhase::kCreated) {
      state = PartOwner::State::kWaiting;
    }
    Status status = AddProcess(part.file->uuid, {state, part.view->worker()}, part.view, merge);
    if (!status.ok()) return status;
  }
  std::erase_if(views_, [&files](const auto& view) {
    return std::none_of(files.begin(), files.end(),
                        [&view](const SegmentFile& file) { return file.uuid == view.first; });
  });
  return Status();
}

Status ProcessSet::AddRetained(SetMerge* merge) const {
  const PartOwner owner{PartOwner::State::kRetained, 0};
  return DecodeParts(retained_.value().families, [&](const PartHead& head, PartPoints* points) {
    merge->Add(head, owner, points);
  });
}

// Whether what was read holds together: that no fold came in between.
Result<bool> ProcessSet::ReadOnce(SetMerge* merge) {
  Status status = retained_.Refresh();
  if (!status.ok()) return status;
  const Result<std::vector<SegmentFile>> files =
      directory_.List(retained_.value().folded, &memory_->uuid());
  if (!files.ok()) return files.status();
  status = AddAll(files.value(), merge);
  if (status.ok()) status = AddRetained(merge);
  if (!status.ok()) return status;
  return retained_.Unchanged();
}

Result<std::shared_ptr<const SetMerge>> ProcessSet::Read(const SetMerge::Refuse& refuse) {
  Result<std::shared_ptr<const SetMerge>> view = ReadWhole();
  remarks_.Say(log_, refuse);
  return view;
}

Result<std::shared_ptr<const SetMerge>> ProcessSet::ReadWhole() {
  for (int i = 0; i < kTries; ++i) {
    auto merge = std::make_shared<SetMerge>(remarks_.Collector());
    const Result<bool> whole = ReadOnce(merge.get());
    if (!whole.ok()) return whole.status();
    if (whole.value()) return std::shared_ptr<const SetMerge>(std::move(merge));
  }
  // While the lock is held nobody folds.
  const Result<SetLock> lock = directory_.LockSet(kLockMs);
  if (!lock.ok()) return lock.status();
  auto merge = std::make_shared<SetMerge>(remarks_.Collector());
  const Result<bool> whole = ReadOnce(merge.get());
  if (!whole.ok()) return whole.status();
  return std::shared_ptr<const SetMerge>(std::move(merge));
}

Status ProcessSet::Publish(std::string_view families) {
  return directory_.WriteCollected(memory_->uuid(),
                                   EncodeCollected({clock_.UnixMillis(), families}));
}

Status ProcessSet::MoveAfterFork() {
  views_.clear();
  said_.clear();
  return memory_->MoveAfterFork(directory_);
}

}  // namespace promplug
