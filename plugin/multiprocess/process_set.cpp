// SPDX-License-Identifier: MIT
#include "multiprocess/process_set.hpp"

#include <algorithm>
#include <utility>

#include "multiprocess/collected.hpp"
#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"

namespace promplug {
namespace {

constexpr uint32_t kLockMs = 1000;
// Who does not get in is alone for as long as it lives.
constexpr uint32_t kJoinMs = 5000;
// Each can fail only when a fold came in between, and the holder of the lease folds once a second.
constexpr int kTries = 5;
constexpr uint64_t kMaxCollectedBytes = uint64_t{64} << 20;
// How often what is retained is looked through for what has expired, as a part of the expiry.
constexpr int kExpirySteps = 4;

using SegmentFile = SetDirectory::SegmentFile;

std::string NameOf(const Uuid& uuid) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string name;
  for (const uint8_t byte : uuid) name.append({kDigits[byte >> 4], kDigits[byte & 0xf]});
  return name;
}

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
  }
  memory_->header()->worker.store(FreeWorker(files.value()), std::memory_order_relaxed);
  return directory_.PublishSegment(memory_->uuid());
}

uint32_t ProcessSet::FreeWorker(const std::vector<SegmentFile>& files) {
  std::set<uint32_t> taken;
  for (const SegmentFile& file : files) {
    const SegmentView* view = file.live ? View(file.uuid) : nullptr;
    if (view != nullptr) taken.insert(view->worker());
  }
  uint32_t free = 0;
  while (taken.contains(free)) ++free;
  return free;
}

void ProcessSet::Run() {
  memory_->header()->phase.store(static_cast<uint32_t>(SegmentPhase::kRunning),
                                 std::memory_order_release);
}

bool ProcessSet::Leave() {
  const Result<SetLock> lock = directory_.LockSet(kLockMs);
  memory_->header()->phase.store(static_cast<uint32_t>(SegmentPhase::kLeaving),
                                 std::memory_order_release);
  const Result<std::vector<SegmentFile>> files = directory_.List({}, &memory_->uuid());
  // Without the lock nobody knows; then it is better that nobody deletes what others push.
  if (!lock.ok() || !files.ok()) return false;
  return std::none_of(files.value().begin(), files.value().end(), [this](const SegmentFile& file) {
    if (!file.live || file.uuid == memory_->uuid()) return false;
    const SegmentView* view = View(file.uuid);
    return view != nullptr && view->phase() == SegmentPhase::kRunning;
  });
}

void ProcessSet::SayOnce(const Uuid& uuid, const Status& status, std::string_view what) {
  if (!said_.insert(uuid).second) return;
  log_.Warn("multiprocess.dir: " + directory_.path() + "/" + NameOf(uuid) + std::string(what) +
            " is left out: " + status.text());
}

SegmentView* ProcessSet::View(const Uuid& uuid) {
  std::unique_ptr<SegmentView>& view = views_[uuid];
  if (view != nullptr && !view->Outgrown()) return view.get();
  const Result<OwnedFd> fd = directory_.OpenSegment(uuid);
  // One that is gone was folded meanwhile: what is mapped is still right.
  if (!fd.ok()) return view.get();
  Result<std::unique_ptr<SegmentView>> mapped = SegmentView::Map(fd.value().get());
  if (mapped.ok()) {
    view = std::move(mapped).value();
  } else {
    SayOnce(uuid, mapped.status(), ".seg");
  }
  return view.get();
}

void ProcessSet::AddCollected(const Uuid& uuid, const PartOwner& owner, SetMerge* merge) {
  const Result<std::string> bytes = directory_.ReadCollected(uuid, kMaxCollectedBytes);
  if (!bytes.ok()) {
    if (bytes.status().code() != Code::kNotFound) SayOnce(uuid, bytes.status(), ".col");
    return;
  }
  const Result<Collected> collected = DecodeCollected(bytes.value());
  Status status = collected.status();
  if (status.ok()) {
    status = DecodeParts(collected.value().families, [&](const PartHead& head, PartPoints* points) {
      merge->Add(head, owner, points);
    });
  }
  if (!status.ok()) SayOnce(uuid, status, ".col");
}

void ProcessSet::AddProcess(const Uuid& uuid, const PartOwner& owner, SegmentView* view,
                            SetMerge* merge) {
  view->ForEach(clock_.Now(),
                [&](const PartHead& head, PartPoints* points) { merge->Add(head, owner, points); });
  AddCollected(uuid, owner, merge);
}

// The living first, the oldest of them in front: what they say their families are counts.
void ProcessSet::AddAll(const std::vector<SegmentFile>& files, SetMerge* merge) {
  struct Part {
    const SegmentFile* file;
    SegmentView* view;
  };
  std::vector<Part> parts;
  for (const SegmentFile& file : files) {
    SegmentView* view = View(file.uuid);
    if (view != nullptr) parts.push_back({&file, view});
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
    AddProcess(part.file->uuid, {state, part.view->worker()}, part.view, merge);
  }
  std::erase_if(views_, [&files](const auto& view) {
    return std::none_of(files.begin(), files.end(),
                        [&view](const SegmentFile& file) { return file.uuid == view.first; });
  });
}

Status ProcessSet::AddRetained(const Retained& retained, SetMerge* merge) const {
  const PartOwner owner{PartOwner::State::kRetained, 0};
  return DecodeParts(retained.families, [&](const PartHead& head, PartPoints* points) {
    merge->Add(head, owner, points);
  });
}

// Whether what was read holds together: that no fold came in between.
Result<bool> ProcessSet::ReadOnce(SetMerge* merge) {
  const Result<uint64_t> before = directory_.RetainedGeneration();
  if (!before.ok()) return before.status();
  if (!retained_.has_value() || retained_->generation != before.value()) {
    Result<std::optional<Retained>> read = directory_.ReadRetained();
    if (!read.ok()) return read.status();
    retained_ = std::move(read).value().value_or(Retained());
  }
  const Result<std::vector<SegmentFile>> files =
      directory_.List(retained_->folded, &memory_->uuid());
  if (!files.ok()) return files.status();
  AddAll(files.value(), merge);
  Status status = AddRetained(*retained_, merge);
  if (!status.ok()) return status;
  const Result<uint64_t> after = directory_.RetainedGeneration();
  if (!after.ok()) return after.status();
  return after.value() == retained_->generation;
}

Result<std::shared_ptr<const SetMerge>> ProcessSet::Read(const SetMerge::Refuse& refuse) {
  for (int i = 0; i < kTries; ++i) {
    auto merge = std::make_shared<SetMerge>(refuse);
    const Result<bool> whole = ReadOnce(merge.get());
    if (!whole.ok()) return whole.status();
    if (whole.value()) return std::shared_ptr<const SetMerge>(std::move(merge));
  }
  // While the lock is held nobody folds.
  const Result<SetLock> lock = directory_.LockSet(kLockMs);
  if (!lock.ok()) return lock.status();
  auto merge = std::make_shared<SetMerge>(refuse);
  const Result<bool> whole = ReadOnce(merge.get());
  if (!whole.ok()) return whole.status();
  return std::shared_ptr<const SetMerge>(std::move(merge));
}

Status ProcessSet::Publish(std::string_view families) {
  return directory_.WriteCollected(memory_->uuid(),
                                   EncodeCollected({clock_.UnixMillis(), families}));
}

std::unique_ptr<SetMerge> ProcessSet::LiveOnly() {
  auto merge = std::make_unique<SetMerge>([](std::string_view, std::string_view, std::string) {});
  const Result<std::vector<SegmentFile>> files = directory_.List({}, &memory_->uuid());
  if (!files.ok()) return nullptr;
  for (const SegmentFile& file : files.value()) {
    SegmentView* view = file.live ? View(file.uuid) : nullptr;
    if (view == nullptr) continue;
    AddProcess(file.uuid, {PartOwner::State::kLive, view->worker()}, view, merge.get());
  }
  return merge;
}

Result<size_t> ProcessSet::Fold(Duration expiry) {
  const bool expires =
      expiry > Duration::zero() && clock_.Now() - expired_at_ >= expiry / kExpirySteps;
  const Result<std::vector<SegmentFile>> files = directory_.List({}, &memory_->uuid());
  if (!files.ok()) return files.status();
  const bool any_dead = std::any_of(files.value().begin(), files.value().end(),
                                    [](const SegmentFile& file) { return !file.live; });
  if (!any_dead && !expires) return size_t{0};
  const Result<SetLock> lock = directory_.LockSet(kLockMs);
  if (!lock.ok()) return lock.status();
  Result<size_t> folded = FoldLocked(expiry);
  if (folded.ok() && expires) expired_at_ = clock_.Now();
  return folded;
}

Result<size_t> ProcessSet::FoldLocked(Duration expiry) {
  directory_.RemoveRemnants();
  Result<std::optional<Retained>> read = directory_.ReadRetained();
  if (!read.ok()) return read.status();
  Retained retained = std::move(read).value().value_or(Retained());
  // Those whose files are gone need not be remembered; the others were folded by somebody who then
  // did not come to remove them.
  std::erase_if(retained.folded, [this](const Uuid& uuid) {
    directory_.Unlink(uuid);
    return !directory_.Exists(uuid);
  });
  const Result<std::vector<SegmentFile>> files = directory_.List(retained.folded, &memory_->uuid());
  if (!files.ok()) return files.status();

  SetMerge totals([](std::string_view, std::string_view, std::string) {});
  std::vector<OwnedFd> claims;
  std::vector<Uuid> victims;
  for (const SegmentFile& file : files.value()) {
    std::optional<OwnedFd> claim = file.live ? std::nullopt : directory_.ClaimDead(file.uuid);
    if (!claim.has_value()) continue;
    const Result<std::unique_ptr<SegmentView>> view = SegmentView::Map(claim->get());
    // One of a newer plugin is left for that. A damaged one has nothing to give.
    if (view.status().code() == Code::kVersion) continue;
    if (view.ok()) {
      AddProcess(file.uuid, {PartOwner::State::kDead, view.value()->worker()}, view.value().get(),
                 &totals);
    } else {
      SayOnce(file.uuid, view.status(), ".seg");
    }
    victims.push_back(file.uuid);
    claims.push_back(std::move(*claim));
  }
  Status status = AddRetained(retained, &totals);
  if (!status.ok()) return status;
  const std::unique_ptr<SetMerge> live = expiry > Duration::zero() ? LiveOnly() : nullptr;
  FoldOptions options;
  options.now_ms = clock_.UnixMillis();
  if (live != nullptr) {
    options.expiry_ms = std::chrono::duration_cast<std::chrono::milliseconds>(expiry).count();
    options.live = live.get();
  }
  retained.families = FoldFamilies(totals, options);
  retained.folded.insert(retained.folded.end(), victims.begin(), victims.end());
  ++retained.generation;
  status = directory_.CommitRetained(retained);
  if (!status.ok()) return status;
  for (const Uuid& uuid : victims) directory_.Unlink(uuid);
  return victims.size();
}

Status ProcessSet::MoveAfterFork() {
  views_.clear();
  said_.clear();
  Status status = memory_->MoveAfterFork(directory_);
  return status.ok() ? Enter() : status;
}

}  // namespace promplug
