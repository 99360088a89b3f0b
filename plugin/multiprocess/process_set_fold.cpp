// SPDX-License-Identifier: MIT
// What the holder of the lease does with the totals of processes that are gone.
#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "multiprocess/fold.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/process_set.hpp"

namespace promplug {
namespace {

// How often what is retained is looked through for what has expired, as a part of the expiry.
constexpr int kExpirySteps = 4;

using SegmentFile = SetDirectory::SegmentFile;

}  // namespace

std::unique_ptr<SetMerge> ProcessSet::LiveOnly() {
  auto merge =
      std::make_unique<SetMerge>([](std::string_view, std::string_view, const std::string&) {});
  const Result<std::vector<SegmentFile>> files = directory_.List({}, &memory_->uuid());
  if (!files.ok()) return nullptr;
  for (const SegmentFile& file : files.value()) {
    if (!file.live) continue;
    const Result<SegmentView*> view = View(file.uuid);
    if (!view.ok()) return nullptr;
    if (view.value() == nullptr) continue;
    const PartOwner owner{PartOwner::State::kLive, view.value()->worker()};
    if (!AddProcess(file.uuid, owner, view.value(), merge.get()).ok()) return nullptr;
  }
  return merge;
}

Result<size_t> ProcessSet::Fold(const FoldLimits& limits, const SetMerge::Refuse& refuse) {
  Result<size_t> folded = FoldIfDue(limits);
  remarks_.Say(log_, refuse);
  return folded;
}

Result<size_t> ProcessSet::FoldIfDue(const FoldLimits& limits) {
  const bool expires = limits.expiry > Duration::zero() &&
                       clock_.Now() - expired_at_ >= limits.expiry / kExpirySteps;
  const Result<std::vector<SegmentFile>> files = directory_.List({}, &memory_->uuid());
  if (!files.ok()) return files.status();
  const bool any_dead = std::any_of(files.value().begin(), files.value().end(),
                                    [](const SegmentFile& file) { return !file.live; });
  if (!any_dead && !expires) return size_t{0};
  const Result<SetLock> lock = directory_.LockSet(kLockMs);
  if (!lock.ok()) return lock.status();
  Result<size_t> folded = FoldLocked(limits);
  if (folded.ok() && expires) expired_at_ = clock_.Now();
  return folded;
}

Result<bool> ProcessSet::MakeRetainedUsable(const std::vector<SegmentFile>& files) {
  if (retained_.usable()) return true;
  // A process that lives and has another layout may be who wrote it, and goes on with it.
  for (const SegmentFile& file : files) {
    if (!file.live) continue;
    const Result<SegmentView*> view = View(file.uuid);
    if (!view.ok()) return view.status();
    if (view.value() == nullptr) return false;
  }
  Status status = retained_.SetAside(clock_);
  if (!status.ok()) return status;
  return true;
}

struct ProcessSet::Victim {
  Uuid uuid;
  OwnedFd claim;
  std::unique_ptr<SegmentView> view;  // nullptr: it has nothing to give
};

std::vector<ProcessSet::Victim> ProcessSet::ClaimVictims(const std::vector<SegmentFile>& files) {
  std::vector<Victim> victims;
  for (const SegmentFile& file : files) {
    std::optional<OwnedFd> claim = file.live ? std::nullopt : directory_.ClaimDead(file.uuid);
    if (!claim.has_value()) continue;
    Result<std::unique_ptr<SegmentView>> view = SegmentView::Map(claim->get());
    // One of another layout is left to who can read it, one that cannot be read now to another
    // fold.
    const Code code = view.status().code();
    if (code == Code::kVersion || code == Code::kIo) continue;
    if (!view.ok()) SayOnce(file.uuid, view.status(), ".seg");
    victims.push_back({file.uuid, std::move(*claim),
                       view.ok() ? std::move(view).value() : std::unique_ptr<SegmentView>()});
  }
  const auto created = [](const Victim& victim) {
    return victim.view == nullptr ? int64_t{0} : int64_t{victim.view->header().created_unix_ms};
  };
  std::stable_sort(victims.begin(), victims.end(),
                   [&](const Victim& a, const Victim& b) { return created(a) > created(b); });
  return victims;
}

Result<std::string> ProcessSet::FoldedFamilies(const std::vector<Victim>& victims,
                                               const FoldLimits& limits) {
  SetMerge totals(remarks_.Collector());
  for (const Victim& victim : victims) {
    if (victim.view == nullptr) continue;
    const PartOwner owner{PartOwner::State::kDead, victim.view->worker()};
    Status status = AddProcess(victim.uuid, owner, victim.view.get(), &totals);
    if (!status.ok()) return status;
  }
  Status status = AddRetained(&totals);
  if (!status.ok()) return status;
  const std::unique_ptr<SetMerge> live = limits.expiry > Duration::zero() ? LiveOnly() : nullptr;
  FoldOptions options;
  options.now_ms = clock_.UnixMillis();
  options.max_series = limits.max_series;
  if (live != nullptr) {
    options.expiry_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(limits.expiry).count();
    options.live = live.get();
  }
  std::string families = FoldFamilies(totals, options, remarks_.Collector());
  // Totals that nobody can read would be lost, and the files they come from with them.
  status = CheckParts(families);
  if (!status.ok()) return status;
  return families;
}

Result<size_t> ProcessSet::FoldLocked(const FoldLimits& limits) {
  directory_.RemoveRemnants();
  Status status = retained_.Refresh();
  if (!status.ok()) return status;
  Retained next;
  next.folded = retained_.value().folded;
  // Those whose files are gone need not be remembered; the others were folded by somebody who then
  // did not come to remove them.
  std::erase_if(next.folded, [this](const Uuid& uuid) {
    directory_.Unlink(uuid);
    return !directory_.Exists(uuid);
  });
  const Result<std::vector<SegmentFile>> files = directory_.List(next.folded, &memory_->uuid());
  if (!files.ok()) return files.status();
  const Result<bool> usable = MakeRetainedUsable(files.value());
  if (!usable.ok()) return usable.status();
  if (!usable.value()) return size_t{0};

  const std::vector<Victim> victims = ClaimVictims(files.value());
  Result<std::string> families = FoldedFamilies(victims, limits);
  if (!families.ok()) return families.status();
  next.families = std::move(families).value();
  for (const Victim& victim : victims) next.folded.push_back(victim.uuid);
  const Retained& before = retained_.value();
  // So where only segments of another layout are dead.
  if (next.families == before.families && next.folded == before.folded) return size_t{0};
  next.generation = before.generation + 1;
  status = directory_.CommitRetained(next);
  if (!status.ok()) return status;
  for (const Victim& victim : victims) directory_.Unlink(victim.uuid);
  return victims.size();
}

}  // namespace promplug
