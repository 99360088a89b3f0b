// SPDX-License-Identifier: MIT
#include "multiprocess/set_directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include "base/errno_text.hpp"
#include "base/text.hpp"
#include "multiprocess/file_growth.hpp"

namespace promplug {
namespace {

constexpr char kSetLock[] = "set.lock";
constexpr char kRetained[] = "retained";
constexpr std::string_view kSegmentEnd = ".seg";
constexpr std::string_view kCollectedEnd = ".col";
constexpr auto kLockStep = std::chrono::milliseconds(2);

std::string SegmentName(const Uuid& uuid) { return UuidText(uuid).append(kSegmentEnd); }
std::string CollectedName(const Uuid& uuid) { return UuidText(uuid).append(kCollectedEnd); }

std::optional<Uuid> UuidOf(std::string_view name, std::string_view end) {
  if (!name.ends_with(end)) return std::nullopt;
  return ParseUuid(name.substr(0, name.size() - end.size()));
}

struct FileSystem {
  uint64_t magic;
  const char* name;
};
// The magic numbers of XFS and ZFS stand in no header.
constexpr FileSystem kDisks[] = {
    {EXT4_SUPER_MAGIC, "ext4"}, {0x58465342, "xfs"},        {BTRFS_SUPER_MAGIC, "btrfs"},
    {F2FS_SUPER_MAGIC, "f2fs"}, {0x2fc12fc1, "zfs"},        {OVERLAYFS_SUPER_MAGIC, "overlay"},
    {NFS_SUPER_MAGIC, "nfs"},   {FUSE_SUPER_MAGIC, "fuse"}, {V9FS_MAGIC, "9p"},
};

std::string FileSystemName(uint64_t magic) {
  for (const FileSystem& system : kDisks) {
    if (system.magic == magic) return system.name;
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (; magic != 0; magic >>= 4) hex.insert(hex.begin(), kDigits[magic & 0xf]);
  return "a file system of type 0x" + hex;
}

Status CannotUse(const std::string& path, const std::string& why) {
  return Status(Code::kIo, Quoted(path) + " " + why);
}

Status CheckFileSystem(const std::string& path, int fd) {
  struct statfs system;
  int failed;
  do {
    failed = ::fstatfs(fd, &system);
  } while (failed != 0 && errno == EINTR);
  if (failed != 0) return CannotUse(path, "is on an unknown file system: " + ErrnoText(errno));
  // As wide as the numbers are: f_type is signed on some machines.
  const auto magic = static_cast<uint32_t>(system.f_type);
  if (magic == TMPFS_MAGIC || magic == RAMFS_MAGIC) return Status();
  return CannotUse(path, "is on " + FileSystemName(magic) +
                             ", where an update of a metric can wait for the disk; name a "
                             "directory on a tmpfs (under /dev/shm or /run, say), or set "
                             "multiprocess.allow_disk: true");
}

Status WhyNotOpened(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
      return CannotUse(path, "is not there; make it, for the user of the server alone (mode 0700)");
    case ENOTDIR:
      return CannotUse(path, "is no directory");
    default:
      return CannotUse(path, "cannot be opened by user " + std::to_string(::geteuid()) + ": " +
                                 ErrnoText(error));
  }
}

}  // namespace

SetLock::SetLock(OwnedFd fd) : fd_(std::make_unique<ForkClosedFd>()) { fd_->Reset(fd.Release()); }

SetLock::~SetLock() {
  if (fd_ != nullptr && fd_->get() >= 0) ::flock(fd_->get(), LOCK_UN);
}

Result<bool> SetLock::Try() { return SetFiles::TryLock(fd_->get(), LOCK_EX); }

bool SetLock::IsOn(const SetFiles& files, const std::string& name) const {
  return files.IsNameOf(name, fd_->get());
}

Result<SetDirectory> SetDirectory::Open(const std::string& path, bool allow_disk) {
  int opened;
  do {
    opened = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (opened < 0 && errno == EINTR);
  if (opened < 0) return WhyNotOpened(path, errno);
  OwnedFd fd(opened);
  struct stat directory;
  if (::fstat(fd.get(), &directory) != 0) return WhyNotOpened(path, errno);
  if (::faccessat(fd.get(), ".", R_OK | W_OK | X_OK, AT_EACCESS) != 0) {
    return CannotUse(path, "may not be written by user " + std::to_string(::geteuid()) + ": " +
                               ErrnoText(errno));
  }
  if (!allow_disk) {
    Status status = CheckFileSystem(path, fd.get());
    if (!status.ok()) return status;
  }
  return SetDirectory(SetFiles(path, std::move(fd), directory));
}

Result<SetLock> SetDirectory::LockSet(uint32_t timeout_ms) const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  for (;;) {
    Result<OwnedFd> fd = files_.OpenOrCreate(kSetLock);
    if (!fd.ok()) return fd.status();
    SetLock lock(std::move(fd).value());
    const Result<bool> locked = lock.Try();
    if (!locked.ok()) return locked.status();
    // Somebody may have removed the file, and then others lock a new one.
    if (locked.value() && lock.IsOn(files_, kSetLock)) return lock;
    if (std::chrono::steady_clock::now() >= deadline) {
      return Status(Code::kTimeout, Quoted(path() + "/" + kSetLock) +
                                        " is held by another process for longer than " +
                                        std::to_string(timeout_ms) + " ms");
    }
    std::this_thread::sleep_for(kLockStep);
  }
}

Result<SetDirectory::NewSegment> SetDirectory::CreateSegment(uint64_t bytes) const {
  Result<NewSegment> made = files_.CreateNew();
  if (!made.ok()) return made;
  Status status = AllocateBytes(made.value().fd.get(), bytes);
  if (status.ok()) return made;
  (void)files_.Remove(SetFiles::NewName(made.value().uuid));
  return Status(status.code(), Quoted(path()) + ": " + status.text());
}

Status SetDirectory::PublishSegment(const Uuid& uuid) const {
  return files_.Rename(SetFiles::NewName(uuid), SegmentName(uuid));
}

Result<uint64_t> SetDirectory::Grow(int fd, uint64_t least, uint64_t most) {
  return AllocateUpTo(fd, least, most);
}

Result<std::vector<SetDirectory::SegmentFile>> SetDirectory::List(const std::vector<Uuid>& skip,
                                                                  const Uuid* self) const {
  const Result<std::vector<std::string>> names = files_.Names();
  if (!names.ok()) return names.status();
  std::vector<SegmentFile> found;
  for (const std::string& name : names.value()) {
    const std::optional<Uuid> uuid = UuidOf(name, kSegmentEnd);
    if (!uuid.has_value() || std::find(skip.begin(), skip.end(), *uuid) != skip.end()) continue;
    if (self != nullptr && *uuid == *self) {
      found.push_back({*uuid, true});
      continue;
    }
    const Result<OwnedFd> fd = files_.Open(name, O_RDONLY);
    // Folded meanwhile, as the generation will tell, or nothing that this set has made.
    const Code code = fd.status().code();
    if (code == Code::kNotFound || code == Code::kInvalid) continue;
    if (!fd.ok()) return fd.status();
    const Result<bool> dead = SetFiles::TryLock(fd.value().get(), LOCK_SH);
    if (!dead.ok()) return dead.status();
    found.push_back({*uuid, !dead.value()});
  }
  return found;
}

Result<OwnedFd> SetDirectory::OpenSegment(const Uuid& uuid) const {
  return files_.Open(SegmentName(uuid), O_RDONLY);
}

std::optional<OwnedFd> SetDirectory::ClaimDead(const Uuid& uuid) const {
  Result<OwnedFd> fd = OpenSegment(uuid);
  if (!fd.ok()) return std::nullopt;
  const Result<bool> dead = SetFiles::TryLock(fd.value().get(), LOCK_SH);
  if (!dead.ok() || !dead.value()) return std::nullopt;
  return std::move(fd).value();
}

void SetDirectory::Unlink(const Uuid& uuid) const {
  (void)files_.Remove(CollectedName(uuid));
  (void)files_.Remove(SegmentName(uuid));
}

bool SetDirectory::Exists(const Uuid& uuid) const {
  return files_.MayExist(SegmentName(uuid)) || files_.MayExist(CollectedName(uuid));
}

void SetDirectory::RemoveRemnants() const {
  const Result<std::vector<std::string>> names = files_.Names();
  if (!names.ok()) return;
  for (const std::string& name : names.value()) {
    const std::optional<Uuid> uuid = UuidOf(name, kCollectedEnd);
    if (uuid.has_value() && !files_.MayExist(SegmentName(*uuid))) (void)files_.Remove(name);
    if (!SetFiles::IsNewName(name)) continue;
    const Result<OwnedFd> fd = files_.Open(name, O_RDONLY);
    if (!fd.ok()) continue;
    const Result<bool> remnant = SetFiles::TryLock(fd.value().get(), LOCK_EX);
    // While the flock is held its maker, if he is there, cannot have it and begins again.
    if (remnant.ok() && remnant.value()) (void)files_.Remove(name);
  }
}

Result<std::optional<std::string>> SetDirectory::ReadRetainedBytes(uint64_t max_bytes) const {
  const Result<OwnedFd> fd = files_.Open(kRetained, O_RDONLY);
  if (fd.status().code() == Code::kNotFound) return std::optional<std::string>();
  if (!fd.ok()) return fd.status();
  Result<std::string> bytes = files_.Read(fd.value().get(), kRetained, max_bytes);
  if (!bytes.ok()) return bytes.status();
  return std::optional<std::string>(std::move(bytes).value());
}

Result<std::optional<Retained>> SetDirectory::ReadRetained() const {
  const auto bytes = ReadRetainedBytes(std::numeric_limits<uint64_t>::max());
  if (!bytes.ok()) return bytes.status();
  if (!bytes.value().has_value()) return std::optional<Retained>();
  Result<Retained> retained = DecodeRetained(*bytes.value());
  if (!retained.ok()) return retained.status();
  return std::optional<Retained>(std::move(retained).value());
}

Result<uint64_t> SetDirectory::RetainedGeneration() const {
  const auto bytes = ReadRetainedBytes(kRetainedHeadBytes);
  if (!bytes.ok()) return bytes.status();
  if (!bytes.value().has_value()) return uint64_t{0};
  return DecodeRetainedGeneration(*bytes.value());
}

Status SetDirectory::CommitRetained(const Retained& retained) const {
  return files_.Replace(kRetained, EncodeRetained(retained));
}

Status SetDirectory::RemoveRetained() const { return files_.Remove(kRetained); }

Status SetDirectory::SetRetainedAside() const { return files_.Rename(kRetained, kRetainedAside); }

Status SetDirectory::WriteCollected(const Uuid& uuid, std::string_view bytes) const {
  return files_.Replace(CollectedName(uuid), bytes);
}

Result<std::string> SetDirectory::ReadCollected(const Uuid& uuid, uint64_t max_bytes) const {
  const std::string name = CollectedName(uuid);
  const Result<OwnedFd> fd = files_.Open(name, O_RDONLY);
  if (!fd.ok()) return fd.status();
  struct stat file;
  if (::fstat(fd.value().get(), &file) == 0 && static_cast<uint64_t>(file.st_size) > max_bytes) {
    return Status(Code::kLimit, Quoted(path() + "/" + name) + " has " +
                                    std::to_string(file.st_size) + " bytes, more than " +
                                    std::to_string(max_bytes));
  }
  return files_.Read(fd.value().get(), name, max_bytes);
}

}  // namespace promplug
