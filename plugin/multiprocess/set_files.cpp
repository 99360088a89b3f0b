// SPDX-License-Identifier: MIT
#include "multiprocess/set_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/errno_text.hpp"
#include "base/text.hpp"
#include "multiprocess/file_growth.hpp"

namespace promplug {
namespace {

// O_NONBLOCK: a FIFO in the place of a file must not be waited for.
constexpr int kFlags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
constexpr mode_t kMode = 0600;
constexpr std::string_view kNewPrefix = ".new-";
// Each can fail only when another process does something to the same name in between.
constexpr int kTries = 8;

int OpenAt(int directory, const std::string& name, int flags) {
  int fd;
  do {
    fd = ::openat(directory, name.c_str(), flags, kMode);
  } while (fd < 0 && errno == EINTR);
  return fd;
}

}  // namespace

SetFiles::SetFiles(std::string path, OwnedFd fd, const struct stat& directory)
    : path_(std::move(path)),
      fd_(std::move(fd)),
      owner_(directory.st_uid),
      group_(directory.st_gid) {}

Status SetFiles::Failed(const std::string& name, std::string_view what, int error) const {
  return Status(Code::kIo,
                Quoted(path_ + "/" + name) + " " + std::string(what) + ": " + ErrnoText(error));
}

Status SetFiles::WhyNotOurs(const std::string& name, const struct stat& file) const {
  if (!S_ISREG(file.st_mode)) {
    return Status(Code::kInvalid, Quoted(path_ + "/" + name) + " is no regular file");
  }
  const uid_t user = ::geteuid();
  if (file.st_uid == user || file.st_uid == owner_) return Status();
  return Status(Code::kInvalid, Quoted(path_ + "/" + name) + " belongs to user " +
                                    std::to_string(file.st_uid) + ", this process runs as user " +
                                    std::to_string(user) +
                                    ": all processes of a set must run as one user");
}

Result<OwnedFd> SetFiles::Open(const std::string& name, int access) const {
  struct stat file;
  if (::fstatat(fd_.get(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Status(Code::kNotFound, Quoted(path_ + "/" + name));
    return Failed(name, "cannot be looked at", errno);
  }
  Status status = WhyNotOurs(name, file);
  if (!status.ok()) return status;
  OwnedFd fd(OpenAt(fd_.get(), name, access | kFlags));
  if (fd.get() >= 0) return fd;
  if (errno == ENOENT) return Status(Code::kNotFound, Quoted(path_ + "/" + name));
  return Failed(name, "cannot be opened", errno);
}

// The creator's umask must not lock the others out. Where root makes the files for a server that
// then changes its user, they go to whom the directory belongs; if that is not permitted, the next
// one who opens the file says so.
void SetFiles::GiveToSet(int fd) const {
  (void)::fchmod(fd, kMode);
  if (owner_ == 0 || ::geteuid() != 0) return;
  if (::fchown(fd, owner_, group_) != 0) return;
}

Result<OwnedFd> SetFiles::OpenOrCreate(const std::string& name) const {
  for (int i = 0; i < kTries; ++i) {
    Result<OwnedFd> there = Open(name, O_RDWR);
    if (there.status().code() != Code::kNotFound) return there;
    OwnedFd made(OpenAt(fd_.get(), name, O_RDWR | O_CREAT | O_EXCL | kFlags));
    if (made.get() >= 0) {
      GiveToSet(made.get());
      return made;
    }
    if (errno != EEXIST) return Failed(name, "cannot be made", errno);
  }
  return Failed(name, "comes and goes", EAGAIN);
}

std::string SetFiles::NewName(const Uuid& uuid) { return std::string(kNewPrefix) + UuidText(uuid); }

bool SetFiles::IsNewName(std::string_view name) { return name.starts_with(kNewPrefix); }

Result<SetFiles::NewFile> SetFiles::CreateNew() const {
  for (int i = 0; i < kTries; ++i) {
    const Result<Uuid> uuid = RandomUuid();
    if (!uuid.ok()) return uuid.status();
    const std::string name = NewName(uuid.value());
    OwnedFd fd(OpenAt(fd_.get(), name, O_RDWR | O_CREAT | O_EXCL | kFlags));
    if (fd.get() < 0) return Failed(name, "cannot be made", errno);
    GiveToSet(fd.get());
    const Result<bool> locked = TryLock(fd.get(), LOCK_EX);
    if (!locked.ok()) {
      (void)Remove(name);
      return locked.status();
    }
    // Before the flock somebody may have taken it for a remnant. Then it is gone, or will be.
    if (locked.value() && IsNameOf(name, fd.get())) return NewFile{uuid.value(), std::move(fd)};
  }
  return Failed(std::string(kNewPrefix), "files are removed while they are made", EAGAIN);
}

Status SetFiles::Replace(const std::string& name, std::string_view bytes) const {
  const Result<NewFile> made = CreateNew();
  if (!made.ok()) return made.status();
  const std::string new_name = NewName(made.value().uuid);
  Status status = AppendBytes(made.value().fd.get(), bytes);
  if (!status.ok()) {
    status = Status(status.code(), Quoted(path_ + "/" + name) + ": " + status.text());
  } else {
    status = Rename(new_name, name);
  }
  if (!status.ok()) (void)Remove(new_name);
  return status;
}

Status SetFiles::Rename(const std::string& from, const std::string& to) const {
  if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) == 0) return Status();
  return Failed(from, "cannot be renamed to " + to, errno);
}

Status SetFiles::Remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) == 0 || errno == ENOENT) return Status();
  return Failed(name, "cannot be removed", errno);
}

bool SetFiles::MayExist(const std::string& name) const {
  struct stat file;
  return ::fstatat(fd_.get(), name.c_str(), &file, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

bool SetFiles::IsNameOf(const std::string& name, int fd) const {
  struct stat named;
  struct stat open;
  return ::fstatat(fd_.get(), name.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstat(fd, &open) == 0 && named.st_ino == open.st_ino && named.st_dev == open.st_dev;
}

Result<std::vector<std::string>> SetFiles::Names() const {
  // A descriptor of its own: the position in a directory is shared by all that were dup()ed.
  OwnedFd fresh(OpenAt(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fresh.get() < 0) return Failed(".", "cannot be read", errno);
  const auto close = [](DIR* directory) { ::closedir(directory); };
  const std::unique_ptr<DIR, decltype(close)> directory(::fdopendir(fresh.get()), close);
  if (directory == nullptr) return Failed(".", "cannot be read", errno);
  (void)fresh.Release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());  // NOLINT(concurrency-mt-unsafe)
    if (entry == nullptr && errno != 0) return Failed(".", "cannot be read", errno);
    if (entry == nullptr) return names;
    names.emplace_back(entry->d_name);
  }
}

Result<std::string> SetFiles::Read(int fd, const std::string& name, uint64_t max_bytes) const {
  struct stat file;
  if (::fstat(fd, &file) != 0) return Failed(name, "cannot be looked at", errno);
  std::string bytes(std::min<uint64_t>(static_cast<uint64_t>(file.st_size), max_bytes), '\0');
  for (size_t n = 0; n < bytes.size();) {
    const ssize_t got = ::pread(fd, bytes.data() + n, bytes.size() - n, static_cast<off_t>(n));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Failed(name, "cannot be read", errno);
    if (got == 0) bytes.resize(n);
    n += static_cast<size_t>(got);
  }
  return bytes;
}

Result<bool> SetFiles::TryLock(int fd, int operation) {
  int failed;
  do {
    failed = ::flock(fd, operation | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return Status(Code::kIo, "the file system gives no flock: " + ErrnoText(errno));
}

}  // namespace promplug
