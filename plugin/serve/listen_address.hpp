// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>

#include <string>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// Where a listener binds.
struct ListenAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

// "127.0.0.1:9464", "[::1]:9464", "localhost:9464" (127.0.0.1), ":9464" (127.0.0.1, too); port 0 is
// any free one. kInvalid for all else: names are not looked up.
Result<ListenAddress> ParseListenAddress(std::string_view text);

// "127.0.0.1:9464" or "[::1]:9464"; "a socket" for families other than these.
std::string ToText(const ListenAddress& address);

// 0 for families without ports.
int PortOf(const ListenAddress& address);

}  // namespace promplug
