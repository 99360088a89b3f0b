// SPDX-License-Identifier: MIT
#include "config/instance.hpp"

#include <gmock/gmock.h>

namespace promplug {
namespace {

constexpr uint32_t Ip(uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  return a << 24 | b << 16 | c << 8 | d;
}

NetworkView View(std::vector<DefaultRoute> routes, std::vector<InterfaceAddress> addresses) {
  NetworkView view;
  view.default_routes = std::move(routes);
  view.addresses = std::move(addresses);
  view.host_name = "the-host";
  return view;
}

TEST(ChooseInstance, TakesThePrivateAddressOfTheInterfaceThatRoutesOut) {
  EXPECT_EQ(ChooseInstance(View({{"eth1", 100}}, {{"lo", Ip(127, 0, 0, 1)},
                                                  {"eth0", Ip(10, 0, 0, 1)},
                                                  {"eth1", Ip(192, 168, 7, 9)}})),
            "192.168.7.9");
}

TEST(ChooseInstance, TakesTheRouteWithTheLowestMetricAndOfEqualOnesTheFirst) {
  const std::vector<InterfaceAddress> addresses = {{"wlan0", Ip(10, 0, 0, 1)},
                                                   {"eth0", Ip(10, 0, 0, 2)}};
  EXPECT_EQ(ChooseInstance(View({{"wlan0", 600}, {"eth0", 100}}, addresses)), "10.0.0.2");
  EXPECT_EQ(ChooseInstance(View({{"wlan0", 100}, {"eth0", 100}}, addresses)), "10.0.0.1");
}

TEST(ChooseInstance, KnowsThePrivateNetworksToTheirEdges) {
  const auto choose = [](uint32_t ipv4) { return ChooseInstance(View({{"e", 0}}, {{"e", ipv4}})); };
  EXPECT_EQ(choose(Ip(10, 0, 0, 0)), "10.0.0.0");
  EXPECT_EQ(choose(Ip(10, 255, 255, 255)), "10.255.255.255");
  EXPECT_EQ(choose(Ip(11, 0, 0, 0)), "the-host");
  EXPECT_EQ(choose(Ip(172, 15, 255, 255)), "the-host");
  EXPECT_EQ(choose(Ip(172, 16, 0, 1)), "172.16.0.1");
  EXPECT_EQ(choose(Ip(172, 31, 255, 255)), "172.31.255.255");
  EXPECT_EQ(choose(Ip(172, 32, 0, 0)), "the-host");
  EXPECT_EQ(choose(Ip(192, 168, 0, 1)), "192.168.0.1");
  EXPECT_EQ(choose(Ip(192, 169, 0, 1)), "the-host");
  EXPECT_EQ(choose(Ip(100, 63, 255, 255)), "the-host");
  EXPECT_EQ(choose(Ip(100, 64, 0, 1)), "100.64.0.1");
  EXPECT_EQ(choose(Ip(100, 127, 255, 255)), "100.127.255.255");
  EXPECT_EQ(choose(Ip(100, 128, 0, 0)), "the-host");
  EXPECT_EQ(choose(Ip(169, 254, 0, 1)), "the-host");
  EXPECT_EQ(choose(Ip(8, 8, 8, 8)), "the-host");
}

TEST(ChooseInstance, TakesTheFirstPrivateAddressOfAnInterfaceWithSeveral) {
  EXPECT_EQ(ChooseInstance(View({{"e", 0}}, {{"e", Ip(8, 8, 8, 8)}, {"e", Ip(10, 0, 0, 3)}})),
            "10.0.0.3");
}

TEST(ChooseInstance, NeverTakesTheAddressOfAContainerBridge) {
  for (const char* name : {"docker0", "br-0a1b2c3d", "virbr0", "cni0", "podman1", "veth12",
                           "lxcbr0", "lxdbr0", "flannel.1", "cilium_host", "kube-bridge"}) {
    EXPECT_EQ(ChooseInstance(View({{name, 0}}, {{name, Ip(10, 0, 0, 1)}})), "the-host") << name;
  }
  EXPECT_EQ(ChooseInstance(View({{"br0", 0}}, {{"br0", Ip(10, 0, 0, 1)}})), "10.0.0.1")
      << "a bridge of the machine's own network is no container bridge";
}

TEST(ChooseInstance, InAContainerTakesNoAddressThatEveryMachineHas) {
  const auto choose = [](uint32_t ipv4, bool in_container) {
    NetworkView view = View({{"eth0", 0}}, {{"eth0", ipv4}});
    view.in_container = in_container;
    return ChooseInstance(view);
  };
  for (const uint32_t ipv4 : {Ip(172, 17, 0, 2), Ip(172, 18, 0, 2), Ip(172, 19, 0, 2),
                              Ip(172, 20, 0, 2), Ip(172, 23, 0, 2), Ip(172, 24, 0, 2),
                              Ip(172, 31, 9, 2), Ip(10, 88, 0, 5), Ip(10, 89, 0, 5)}) {
    EXPECT_EQ(choose(ipv4, true), "the-host");
    EXPECT_NE(choose(ipv4, false), "the-host");
  }
  EXPECT_EQ(choose(Ip(172, 16, 0, 2), true), "172.16.0.2");
  EXPECT_EQ(choose(Ip(10, 87, 0, 2), true), "10.87.0.2");
  EXPECT_EQ(choose(Ip(10, 90, 0, 2), true), "10.90.0.2");
}

TEST(ChooseInstance, IsTheHostNameWhereNothingRoutesOut) {
  EXPECT_EQ(ChooseInstance(View({}, {{"eth0", Ip(10, 0, 0, 1)}})), "the-host");
  EXPECT_EQ(ChooseInstance(View({{"eth0", 0}}, {})), "the-host");
}

TEST(ParseDefaultRoutes, TakesTheDefaultRoutesThatAreUpWithTheirMetrics) {
  const std::string table =
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "eth0\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0   \n"
      "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
      "half\t00000000\t00000000\t0001\t0\t0\t0\t00000080\t0\t0\t0\n"
      "down\t00000000\t010200C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n"
      "no\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
      "short\t00000000\n"
      "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0";
  const std::vector<DefaultRoute> routes = ParseDefaultRoutes(table);
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].interface, "eth0");
  EXPECT_EQ(routes[0].metric, 100u);
  EXPECT_EQ(routes[1].interface, "wlan0");
  EXPECT_EQ(routes[1].metric, 600u);
  EXPECT_TRUE(ParseDefaultRoutes("").empty());
}

}  // namespace
}  // namespace promplug
