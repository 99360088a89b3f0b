// SPDX-License-Identifier: MIT
#include "serve/acceptor.hpp"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <string>

namespace promplug {
namespace {

// In a flood, what does not fit in is dropped and tried again only after a second.
constexpr int kBacklog = 1024;

Status Failure(const ListenAddress& address, int error) {
  char buffer[128];
  return Status(Code::kIo, "cannot listen on " + ToText(address) + ": " +
                               strerror_r(error, buffer, sizeof buffer));
}

bool SomebodyWaits(int fd) {
  pollfd waiting{fd, POLLIN, 0};
  return poll(&waiting, 1, 0) == 1;
}

ListenAddress BoundAddress(int fd) {
  ListenAddress address;
  address.size = sizeof address.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) {
    return ListenAddress();
  }
  return address;
}

}  // namespace

Status Acceptor::Bind(const ListenAddress& address) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Failure(address, errno);
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const auto* where = reinterpret_cast<const sockaddr*>(&address.storage);
  if (bind(fd, where, address.size) != 0 || listen(fd, kBacklog) != 0) {
    const int error = errno;
    close(fd);
    return Failure(address, error);
  }
  fd_.Reset(fd);
  own_ = true;
  address_ = BoundAddress(fd);
  return Status();
}

Status Acceptor::Adopt(int fd) {
  int listening = 0;
  socklen_t size = sizeof listening;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || listening == 0) {
    return Status(Code::kInvalid, "listen_fd " + std::to_string(fd) + " is not a listening socket");
  }
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) return Status(Code::kIo, "cannot duplicate listen_fd " + std::to_string(fd));
  if (fcntl(copy, F_SETFL, fcntl(copy, F_GETFL) | O_NONBLOCK) != 0) {
    close(copy);
    return Status(Code::kIo, "cannot make listen_fd " + std::to_string(fd) + " non-blocking");
  }
  fd_.Reset(copy);
  own_ = false;
  address_ = BoundAddress(copy);
  return Status();
}

Acceptor::Outcome Acceptor::Accept(int* fd) {
  const int accepted = accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (accepted < 0) {
    switch (errno) {
      case EAGAIN:
      case EINTR:
      case ECONNABORTED:
        return Outcome::kNobody;
      case EMFILE:
      case ENFILE:
        // A descriptor is reserved before the queue is looked at: there may be nobody.
        return SomebodyWaits(fd_.get()) ? Outcome::kNoDescriptors : Outcome::kNobody;
      default:
        return Outcome::kFailed;
    }
  }
  const int one = 1;
  setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  *fd = accepted;
  return Outcome::kAccepted;
}

void Acceptor::KeepSpare() {
  if (spare_.get() < 0 && open()) spare_.Reset(fcntl(fd(), F_DUPFD_CLOEXEC, 0));
}

bool Acceptor::GiveUpSpare() {
  if (spare_.get() < 0) return false;
  spare_.Reset();
  return true;
}

void Acceptor::Close() {
  if (open() && own_) shutdown(fd(), SHUT_RDWR);
  CloseInChild();
}

void Acceptor::CloseInChild() {
  spare_.Reset();
  fd_.Reset();
}

}  // namespace promplug
