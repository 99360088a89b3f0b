// SPDX-License-Identifier: MIT
#pragma once

#include "base/fork_closed_fd.hpp"
#include "base/status.hpp"
#include "serve/listen_address.hpp"

namespace promplug {

// A listening socket with one spare descriptor, so that a process that has run out of them can
// still take a connection. Used by one thread at a time; never blocks.
class Acceptor {
 public:
  Acceptor() = default;
  ~Acceptor() { Close(); }
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;

  // kIo: the text names the address and the reason. REQUIRES: not open.
  Status Bind(const ListenAddress& address);
  // Listens on a duplicate of a listening socket of the host, which becomes non-blocking.
  // kInvalid: it is not one. REQUIRES: not open.
  Status Adopt(int fd);

  bool open() const { return fd() >= 0; }
  int fd() const { return fd_.get(); }
  // Where it really listens.
  const ListenAddress& address() const { return address_; }

  enum class Outcome { kAccepted, kNobody, kNoDescriptors, kFailed };
  // The connection is non-blocking, closed by exec, and the caller's.
  Outcome Accept(int* fd);

  // Keeps a spare descriptor, if one can be had.
  void KeepSpare();
  // Closes it; false: there was none.
  bool GiveUpSpare();

  // Own sockets are shut down first: a forked child may hold a copy that would keep the port.
  void Close();
  // In a fork child, where shutting down would end the parent's socket.
  void CloseInChild();

 private:
  ForkClosedFd fd_;
  ForkClosedFd spare_;
  bool own_ = false;
  ListenAddress address_;
};

}  // namespace promplug
