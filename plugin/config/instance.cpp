// SPDX-License-Identifier: MIT
#include "config/instance.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace promplug {
namespace {

struct Network {
  uint32_t address;
  uint32_t bits;
  bool Has(uint32_t ipv4) const { return (ipv4 >> (32 - bits)) == (address >> (32 - bits)); }
};

constexpr std::array<Network, 4> kPrivate = {{
    {0x0A000000, 8},   // 10.0.0.0/8
    {0xAC100000, 12},  // 172.16.0.0/12
    {0xC0A80000, 16},  // 192.168.0.0/16
    {0x64400000, 10},  // 100.64.0.0/10
}};

// The networks that Docker and Podman give to their bridges on every machine.
constexpr std::array<Network, 5> kContainerBridges = {{
    {0xAC110000, 16},  // 172.17.0.0/16
    {0xAC120000, 15},  // 172.18.0.0/15
    {0xAC140000, 14},  // 172.20.0.0/14
    {0xAC180000, 13},  // 172.24.0.0/13
    {0x0A580000, 15},  // 10.88.0.0/15
}};

constexpr std::array<std::string_view, 14> kBridgeNames = {
    "docker", "br-",  "virbr",   "lxc",  "lxd",    "cni",   "podman",
    "veth",   "vnet", "flannel", "cali", "cilium", "weave", "kube"};

template <size_t n>
bool IsIn(const std::array<Network, n>& networks, uint32_t ipv4) {
  return std::any_of(networks.begin(), networks.end(),
                     [ipv4](const Network& network) { return network.Has(ipv4); });
}

bool IsBridgeName(std::string_view interface) {
  return std::any_of(kBridgeNames.begin(), kBridgeNames.end(),
                     [interface](std::string_view name) { return interface.starts_with(name); });
}

std::string Dotted(uint32_t ipv4) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) {
    text.append(std::to_string((ipv4 >> shift) & 255)).append(shift > 0 ? "." : "");
  }
  return text;
}

std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const size_t begin = line.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return fields;
    line.remove_prefix(begin);
    const size_t end = std::min(line.find_first_of(" \t"), line.size());
    fields.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

bool ParseNumber(std::string_view text, int base, uint32_t* out) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), *out, base);
  return error == std::errc() && stop == text.data() + text.size();
}

}  // namespace

std::vector<DefaultRoute> ParseDefaultRoutes(std::string_view table) {
  // Iface Destination Gateway Flags RefCnt Use Metric Mask ...
  constexpr size_t kFields = 8;
  constexpr uint32_t kUp = 0x1;
  constexpr uint32_t kReject = 0x200;
  std::vector<DefaultRoute> routes;
  while (!table.empty()) {
    const size_t end = std::min(table.find('\n'), table.size());
    const std::vector<std::string_view> fields = Fields(table.substr(0, end));
    table.remove_prefix(std::min(end + 1, table.size()));
    uint32_t destination = 0;
    uint32_t flags = 0;
    uint32_t metric = 0;
    uint32_t mask = 0;
    if (fields.size() < kFields || !ParseNumber(fields[1], 16, &destination) ||
        !ParseNumber(fields[3], 16, &flags) || !ParseNumber(fields[6], 10, &metric) ||
        !ParseNumber(fields[7], 16, &mask)) {
      continue;
    }
    if (destination == 0 && mask == 0 && (flags & (kUp | kReject)) == kUp) {
      routes.push_back({std::string(fields[0]), metric});
    }
  }
  return routes;
}

std::string ChooseInstance(const NetworkView& view) {
  const auto route = std::min_element(
      view.default_routes.begin(), view.default_routes.end(),
      [](const DefaultRoute& a, const DefaultRoute& b) { return a.metric < b.metric; });
  if (route == view.default_routes.end() || IsBridgeName(route->interface)) return view.host_name;
  for (const InterfaceAddress& address : view.addresses) {
    const bool repeats = view.in_container && IsIn(kContainerBridges, address.ipv4);
    if (address.interface == route->interface && IsIn(kPrivate, address.ipv4) && !repeats) {
      return Dotted(address.ipv4);
    }
  }
  return view.host_name;
}

}  // namespace promplug
