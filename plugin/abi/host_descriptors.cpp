// SPDX-License-Identifier: MIT
#include "abi/host_descriptors.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/owned_fd.hpp"

namespace promplug::abi {
namespace {

// Null: not open, or no descriptor is left.
std::shared_ptr<const OwnedFd> Duplicate(int fd) {
  auto copy = std::make_shared<const OwnedFd>(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  return copy->get() >= 0 ? copy : nullptr;
}

// Of a pipe that is ready the kernel has a whole page, which is more than a line.
bool TakesALine(int fd) {
  pollfd entry = {fd, POLLOUT, 0};
  return poll(&entry, 1, 0) == 1 && (entry.revents & POLLOUT) != 0;
}

Status Refused(const char* member, int fd, const char* expected) {
  return {Code::kInvalid,
          std::string("host.") + member + " is " + std::to_string(fd) + ", expected " + expected};
}

}  // namespace

Result<Log::Sink> SocketSink(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  const bool keeps_messages = getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
                              (type == SOCK_SEQPACKET || type == SOCK_DGRAM);
  const auto own = keeps_messages ? Duplicate(fd) : nullptr;
  if (own == nullptr) return Refused("log_fd", fd, "a SOCK_SEQPACKET or SOCK_DGRAM socket");
  return Log::Sink([own, otherwise = Log::StderrSink()](LogLevel level, std::string_view text) {
    std::string message = std::to_string(static_cast<int32_t>(level));
    message.append(" ").append(text);
    const int saved = errno;
    const ssize_t sent =
        send(own->get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && TakesALine(STDERR_FILENO)) otherwise(level, text);
    errno = saved;
  });
}

Status EventWaker(const char* member, int fd, std::function<void()>* waker) {
  const int flags = fcntl(fd, F_GETFL);
  const auto own = flags >= 0 && (flags & O_NONBLOCK) != 0 ? Duplicate(fd) : nullptr;
  if (own == nullptr) return Refused(member, fd, "an eventfd with EFD_NONBLOCK");
  *waker = [own] {
    const int saved = errno;
    const uint64_t one = 1;
    // Full means that a wake-up is pending anyway.
    (void)!write(own->get(), &one, sizeof one);
    errno = saved;
  };
  return Status();
}

}  // namespace promplug::abi
