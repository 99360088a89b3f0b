// SPDX-License-Identifier: MIT
#include "multiprocess/lease.hpp"

#include <sys/file.h>

#include <cerrno>
#include <utility>

#include "base/errno_text.hpp"

namespace promplug {
namespace {

constexpr char kLease[] = "lease";
constexpr uint32_t kLockMs = 1000;
// Each can fail only when the file is replaced in between.
constexpr int kTries = 4;

}  // namespace

Lease::Lease(const SetDirectory& directory, const Clock& clock, Duration stale_after)
    : directory_(directory), clock_(clock), stale_after_(stale_after) {}

Lease::~Lease() { Release(); }

bool Lease::TryTake() {
  if (held()) return Renew();
  status_ = Take();
  if (!status_.ok()) Release();
  return held();
}

bool Lease::TryTakeUnclaimed() {
  if (held()) return Renew();
  const Result<OwnedFd> fd = directory_.files().OpenOrCreate(kLease);
  const Result<bool> stale = fd.ok() ? IsStale(fd.value().get()) : Result<bool>(fd.status());
  status_ = stale.status();
  return stale.ok() && stale.value() && TryTake();
}

Status Lease::Take() {
  for (int i = 0; i < kTries; ++i) {
    Result<OwnedFd> fd = directory_.files().OpenOrCreate(kLease);
    if (!fd.ok()) return fd.status();
    const Result<bool> locked = SetFiles::TryLock(fd.value().get(), LOCK_EX);
    if (!locked.ok()) return locked.status();
    if (!locked.value()) {
      const Result<bool> stale = IsStale(fd.value().get());
      if (!stale.ok()) return stale.status();
      return stale.value() ? Replace() : Status();
    }
    // The flock of a file that was replaced says nothing.
    if (directory_.files().IsNameOf(kLease, fd.value().get())) return Hold(std::move(fd).value());
  }
  return Status();
}

Result<bool> Lease::IsStale(int fd) {
  struct stat file;
  if (::fstat(fd, &file) != 0) {
    return Status(Code::kIo, "the lease cannot be looked at: " + ErrnoText(errno));
  }
  const TimePoint now = clock_.Now();
  const Watched seen{file.st_dev, file.st_ino, file.st_mtim.tv_sec, file.st_mtim.tv_nsec, now};
  const bool same = watched_.has_value() && watched_->device == seen.device &&
                    watched_->inode == seen.inode && watched_->beat_s == seen.beat_s &&
                    watched_->beat_ns == seen.beat_ns;
  if (!same) watched_ = seen;
  return now - watched_->since >= stale_after_;
}

// Under set.lock, so that of several who find it stale only the first replaces it: the others see
// another file then.
Status Lease::Replace() {
  const Result<SetLock> lock = directory_.LockSet(kLockMs);
  if (!lock.ok()) return lock.status();
  const SetFiles& files = directory_.files();
  {
    const Result<OwnedFd> fd = files.OpenOrCreate(kLease);
    if (!fd.ok()) return fd.status();
    const Result<bool> stale = IsStale(fd.value().get());
    if (!stale.ok() || !stale.value()) return stale.status();
  }
  Result<SetFiles::NewFile> made = files.CreateNew();
  if (!made.ok()) return made.status();
  const std::string name = SetFiles::NewName(made.value().uuid);
  Status status = Hold(std::move(made.value().fd));
  if (status.ok()) status = files.Rename(name, kLease);
  if (!status.ok()) (void)files.Remove(name);
  return status;
}

Status Lease::Hold(OwnedFd fd) {
  fd_.Reset(fd.Release());
  watched_.reset();
  return Beat();
}

Status Lease::Beat() {
  const int64_t ms = clock_.UnixMillis();
  const timespec now{ms / 1000, ms % 1000 * 1'000'000};
  const timespec times[2] = {now, now};
  if (::futimens(fd_.get(), times) == 0) return Status();
  return Status(Code::kIo, "no heartbeat can be given to the lease: " + ErrnoText(errno));
}

bool Lease::Renew() {
  status_ = Status();
  if (!held()) return false;
  const bool named = directory_.files().IsNameOf(kLease, fd_.get());
  if (named) status_ = Beat();
  if (!named || !status_.ok()) Release();
  return held();
}

void Lease::Release() {
  // Unlocked, not only closed: the children that no fork handler saw have it, too.
  if (held()) ::flock(fd_.get(), LOCK_UN);
  fd_.Reset();
}

}  // namespace promplug
