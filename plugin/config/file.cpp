// SPDX-License-Identifier: MIT
#include "config/file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/owned_fd.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxFileBytes = 1u << 20;

// strerror() would follow the host's locale and is not thread-safe.
std::string Reason(int error) {
  switch (error) {
    case ENOENT:
      return "there is no such file";
    case ENOTDIR:
      return "a part of the path is no directory";
    case EACCES:
      return "permission denied";
    case ENAMETOOLONG:
      return "the path is too long";
    case ELOOP:
      return "the path has too many symbolic links";
    default:
      return "it cannot be read (errno " + std::to_string(error) + ")";
  }
}

Status Error(const std::string& path, std::string_view reason) {
  return {Code::kConfig,
          path + ": " + std::string(reason) + ", expected a readable YAML file of at most 1 MiB"};
}

}  // namespace

Result<std::string> ReadConfigFile(const std::string& path) {
  if (path.find('\0') != std::string::npos) return Error("configuration", "NUL in the path");
  // O_NONBLOCK: opening a pipe that nobody writes to must not wait.
  const OwnedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file.get() < 0) return Error(path, Reason(errno));
  struct stat info {};
  if (fstat(file.get(), &info) != 0) return Error(path, Reason(errno));
  if (S_ISDIR(info.st_mode)) return Error(path, "it is a directory");
  if (!S_ISREG(info.st_mode)) return Error(path, "it is no regular file");
  std::string text;
  char buffer[16384];
  for (;;) {
    const ssize_t n = read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error(path, Reason(errno));
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > kMaxFileBytes) return Error(path, "it is larger than 1 MiB");
  }
}

}  // namespace promplug
