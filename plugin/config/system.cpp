// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "config/instance.hpp"
#include "config/load.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxRouteBytes = 1u << 20;

std::string RouteTable() {
  std::string text;
  const int fd = open("/proc/net/route", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  ssize_t n = 0;
  while (text.size() < kMaxRouteBytes && (n = read(fd, buffer, sizeof buffer)) > 0) {
    text.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return text;
}

std::vector<InterfaceAddress> Addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, freeifaddrs);
  std::vector<InterfaceAddress> addresses;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const bool up = (entry->ifa_flags & IFF_UP) != 0;
    if (!up || entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const auto* address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
    // An address with a label ("eth0:1") belongs to the interface before the colon.
    const std::string_view name = entry->ifa_name;
    addresses.push_back(
        {std::string(name.substr(0, name.find(':'))), ntohl(address->sin_addr.s_addr)});
  }
  return addresses;
}

std::string HostName() {
  char name[256] = {};
  // Without the last byte, so that a name which is cut still ends with NUL.
  return gethostname(name, sizeof name - 1) == 0 ? name : "";
}

}  // namespace

std::string GuessInstance() {
  NetworkView view;
  view.default_routes = ParseDefaultRoutes(RouteTable());
  view.addresses = Addresses();
  view.in_container = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;
  view.host_name = HostName();
  return ChooseInstance(view);
}

ConfigInput SystemConfigInput() {
  ConfigInput input;
  input.environment = [](const char* name) -> std::optional<std::string> {
    // Read while the host creates an instance, which it serialises with its own setenv().
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  input.variable_names = [] {
    std::vector<std::string> names;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      names.emplace_back(text.substr(0, text.find('=')));
    }
    return names;
  };
  input.guess_instance = GuessInstance;
  return input;
}

}  // namespace promplug
