// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace promplug {

// A default IPv4 route.
struct DefaultRoute {
  std::string interface;
  uint32_t metric = 0;  // the lowest is taken
};

struct InterfaceAddress {
  std::string interface;
  uint32_t ipv4 = 0;  // host byte order
};

// What is known of this machine's network.
struct NetworkView {
  std::vector<DefaultRoute> default_routes;
  std::vector<InterfaceAddress> addresses;  // of interfaces that are up
  bool in_container = false;
  std::string host_name;
};

// The default routes that are up, from the text of /proc/net/route.
std::vector<DefaultRoute> ParseDefaultRoutes(std::string_view table);

// The private (RFC 1918, or shared: RFC 6598) IPv4 of the interface that routes out, else the host
// name. Never an address that other machines have too: of a bridge for containers, or in a
// container that is attached to one.
std::string ChooseInstance(const NetworkView& view);

}  // namespace promplug
