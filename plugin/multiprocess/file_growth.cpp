// SPDX-License-Identifier: MIT
#include "multiprocess/file_growth.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/errno_text.hpp"

namespace promplug {
namespace {

// On many kernels a signal makes tmpfs give back everything that the call has allocated: with small
// steps a process that gets signals all the time comes to an end, too.
constexpr uint64_t kStepBytes = uint64_t{256} * 1024;
constexpr char kZeros[4096] = {};

Status NoSpace(uint64_t bytes, int error) {
  return Status(Code::kIo,
                "no space for a file of " + std::to_string(bytes) + " bytes: " + ErrnoText(error));
}

Result<uint64_t> SizeOf(int fd) {
  struct stat file;
  if (::fstat(fd, &file) == 0) return static_cast<uint64_t>(file.st_size);
  return Status(Code::kIo, "the size of a file cannot be asked: " + ErrnoText(errno));
}

uint64_t LimitOfFiles() {
  rlimit limit;
  return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 ? limit.rlim_cur : RLIM_INFINITY;
}

Status CheckLimit(uint64_t bytes) {
  const uint64_t limit = LimitOfFiles();
  if (bytes <= limit) return Status();
  return Status(Code::kIo, "a file of " + std::to_string(bytes) +
                               " bytes is more than the process may make (ulimit -f: " +
                               std::to_string(limit) + " bytes)");
}

Status Append(int fd, uint64_t at, std::string_view bytes) {
  const uint64_t end = at + bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return NoSpace(end, errno);
    at += static_cast<uint64_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return Status();
}

// Makes a file longer step by step, to `wanted` bytes at least.
class Growth {
 public:
  Growth(int fd, uint64_t at, uint64_t wanted) : fd_(fd), wanted_(wanted), at_(at) {}

  uint64_t at() const { return at_; }
  // By `n` bytes at most.
  Status Step(uint64_t n) {
    while (!by_writing_) {
      n = std::min(n, kStepBytes);
      if (::fallocate(fd_, 0, static_cast<off_t>(at_), static_cast<off_t>(n)) == 0) {
        at_ += n;
        return Status();
      }
      // posix_fallocate() would write into what is there, too, which other threads count in.
      by_writing_ = errno == EOPNOTSUPP || errno == ENOSYS;
      if (!by_writing_ && errno != EINTR) return NoSpace(wanted_, errno);
    }
    n = std::min<uint64_t>(n, sizeof kZeros);
    Status status = Append(fd_, at_, std::string_view(kZeros, n));
    if (status.ok()) at_ += n;
    return status;
  }

 private:
  const int fd_;
  const uint64_t wanted_;
  uint64_t at_;
  bool by_writing_ = false;
};

}  // namespace

Status AllocateBytes(int fd, uint64_t bytes) { return AllocateUpTo(fd, bytes, bytes).status(); }

Result<uint64_t> AllocateUpTo(int fd, uint64_t least, uint64_t most) {
  Result<uint64_t> size = SizeOf(fd);
  if (!size.ok() || least <= size.value()) return size;
  Status status = CheckLimit(least);
  if (!status.ok()) return status;
  most = std::min(most, LimitOfFiles());
  Growth growth(fd, size.value(), least);
  for (uint64_t goal = most; growth.at() < goal;) {
    status = growth.Step(goal - growth.at());
    if (status.ok()) continue;
    if (growth.at() >= least) break;
    if (goal == least) return status;
    // The step may have asked for more than there has to be.
    goal = least;
  }
  return growth.at();
}

Status AppendBytes(int fd, std::string_view bytes) {
  const Result<uint64_t> size = SizeOf(fd);
  if (!size.ok()) return size.status();
  Status status = CheckLimit(size.value() + bytes.size());
  return status.ok() ? Append(fd, size.value(), bytes) : status;
}

}  // namespace promplug
