// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "base/log.hpp"
#include "base/status.hpp"

namespace promplug::abi {

// What a plugin thread tells a host that it cannot call, by descriptors of that host. The functions
// work on a duplicate, which lives as long as the last copy of the function.

// Writes each line as one message, "LEVEL TEXT" with the level as a number. Never waits; what the
// socket does not take goes to stderr, or is lost where that is a pipe that nobody reads either:
// only if another process fills that pipe at the same instant the write waits. kInvalid: no
// SOCK_SEQPACKET or SOCK_DGRAM socket.
Result<Log::Sink> SocketSink(int fd);

// *waker adds 1 to the eventfd that is host.MEMBER. kInvalid: not open, or it would block.
Status EventWaker(const char* member, int fd, std::function<void()>* waker);

}  // namespace promplug::abi
