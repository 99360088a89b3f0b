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
constexpr uint64_t kStepBytes = 256 * 1024;
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

Status CheckLimit(uint64_t bytes) {
  rlimit limit;
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || bytes <= limit.rlim_cur) return Status();
  return Status(Code::kIo, "a file of " + std::to_string(bytes) +
                               " bytes is more than the process may make (ulimit -f: " +
                               std::to_string(limit.rlim_cur) + " bytes)");
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

}  // namespace

Status AllocateBytes(int fd, uint64_t bytes) {
  const Result<uint64_t> size = SizeOf(fd);
  if (!size.ok()) return size.status();
  if (bytes <= size.value()) return Status();
  Status status = CheckLimit(bytes);
  if (!status.ok()) return status;
  bool by_writing = false;
  for (uint64_t at = size.value(); at < bytes;) {
    const uint64_t n = std::min(bytes - at, by_writing ? sizeof kZeros : kStepBytes);
    if (by_writing) {
      status = Append(fd, at, std::string_view(kZeros, n));
      if (!status.ok()) return status;
    } else if (::fallocate(fd, 0, static_cast<off_t>(at), static_cast<off_t>(n)) != 0) {
      // posix_fallocate() would write into what is there, too, which other threads count in.
      by_writing = errno == EOPNOTSUPP || errno == ENOSYS;
      if (by_writing || errno == EINTR) continue;
      return NoSpace(bytes, errno);
    }
    at += n;
  }
  return Status();
}

Status AppendBytes(int fd, std::string_view bytes) {
  const Result<uint64_t> size = SizeOf(fd);
  if (!size.ok()) return size.status();
  Status status = CheckLimit(size.value() + bytes.size());
  return status.ok() ? Append(fd, size.value(), bytes) : status;
}

}  // namespace promplug
