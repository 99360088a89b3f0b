// SPDX-License-Identifier: MIT
#include "serve/listen_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <optional>

#include "base/text.hpp"

namespace promplug {
namespace {

constexpr const char* kLoopback = "127.0.0.1";

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || parsed != end) return std::nullopt;
  return port;
}

template <typename Address>
ListenAddress Stored(const Address& address) {
  ListenAddress out;
  std::memcpy(&out.storage, &address, sizeof address);
  out.size = sizeof address;
  return out;
}

std::optional<ListenAddress> Numeric(const std::string& host, bool v6, uint16_t port) {
  if (v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (inet_pton(AF_INET6, host.c_str(), &address.sin6_addr) != 1) return std::nullopt;
    return Stored(address);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return std::nullopt;
  return Stored(address);
}

}  // namespace

Result<ListenAddress> ParseListenAddress(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    std::string host(text.substr(0, colon));
    const bool v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (v6) host = host.substr(1, host.size() - 2);
    if (!v6 && (host.empty() || host == "localhost")) host = kLoopback;
    const std::optional<uint16_t> port = ParsePort(text.substr(colon + 1));
    if (port) {
      if (const std::optional<ListenAddress> address = Numeric(host, v6, *port)) return *address;
    }
  }
  return Status(Code::kInvalid, "cannot listen on " + Quoted(text) +
                                    ": expected \"127.0.0.1:9464\", \"[::1]:9464\", "
                                    "\"localhost:9464\" or \":9464\"");
}

std::string ToText(const ListenAddress& address) {
  char host[INET6_ADDRSTRLEN] = "";
  const int family = address.storage.ss_family;
  if (family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address.storage);
    inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
    return std::string(host) + ":" + std::to_string(PortOf(address));
  }
  if (family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return "[" + std::string(host) + "]:" + std::to_string(PortOf(address));
  }
  return "a socket";
}

int PortOf(const ListenAddress& address) {
  if (address.storage.ss_family == AF_INET) {
    return ntohs(reinterpret_cast<const sockaddr_in*>(&address.storage)->sin_port);
  }
  if (address.storage.ss_family == AF_INET6) {
    return ntohs(reinterpret_cast<const sockaddr_in6*>(&address.storage)->sin6_port);
  }
  return 0;
}

}  // namespace promplug
