// SPDX-License-Identifier: MIT
// usage: net_host promplug|prometheus_cpp serve LINES | push HOST:PORT LINES PUSHES
//
// A host of counters on the network. serve: the plugin's own listener, or an Exposer, until stdin
// ends. push: one push after the other to the Pushgateway, as job "bench_..." of instance "bench".
// Writes one JSON object: the port, or the times of each push.
#include <prometheus/exposer.h>
#include <prometheus/gateway.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peer_exposition.hpp"
#include "bench/plugin_exposition.hpp"

namespace promplug::bench {
namespace {

constexpr uint32_t kTimeoutMs = 60'000;

void ServeUntilStdinEnds(int port) {
  std::printf("{\"port\": %d}\n", port);
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
}

double CpuMs() {
  timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

void Push(long pushes, const std::function<void()>& push) {
  using Clock = std::chrono::steady_clock;
  std::string cpu;
  std::string wall;
  push();
  for (long i = 0; i < pushes; ++i) {
    const double cpu_before = CpuMs();
    const auto before = Clock::now();
    push();
    const std::chrono::duration<double, std::milli> took = Clock::now() - before;
    const char* const comma = i == 0 ? "" : ", ";
    cpu += comma + std::to_string(CpuMs() - cpu_before);
    wall += comma + std::to_string(took.count());
  }
  std::printf("{\"cpu_ms\": [%s], \"wall_ms\": [%s]}\n", cpu.c_str(), wall.c_str());
}

void ServePlugin(size_t lines) {
  Instance instance(Instance::Overrides{{"scrape.listen", "127.0.0.1:0"}});
  FillPlugin(instance, Work::kCounters, lines);
  instance.Start();
  ServeUntilStdinEnds(instance.Port());
}

void ServePeer(size_t lines) {
  const auto registry = std::make_shared<prometheus::Registry>();
  FillRegistry(*registry, Work::kCounters, lines);
  prometheus::Exposer exposer("127.0.0.1:0");
  exposer.RegisterCollectable(registry);
  ServeUntilStdinEnds(exposer.GetListeningPorts().at(0));
}

// Its rounds are far enough apart for none to fall among the pushes that are measured.
void PushPlugin(const std::string& gateway, size_t lines, long pushes) {
  Instance instance(Instance::Overrides{{"pushgateway.url", "http://" + gateway},
                                        {"pushgateway.job", "bench_promplug"},
                                        {"pushgateway.instance", "bench"},
                                        {"pushgateway.interval_seconds", "3600"},
                                        {"pushgateway.on_stop", "none"},
                                        {"forward", "[]"}});
  FillPlugin(instance, Work::kCounters, lines);
  instance.Start();
  Push(pushes, [&] {
    promplug_error error = {};
    Require(Api()->push_now(instance.get(), PROMPLUG_PUSH_APPLICATION, kTimeoutMs, &error), error,
            "push");
  });
}

void PushPeer(const std::string& gateway, size_t lines, long pushes) {
  const auto registry = std::make_shared<prometheus::Registry>();
  FillRegistry(*registry, Work::kCounters, lines);
  const size_t colon = gateway.rfind(':');
  prometheus::Gateway client(gateway.substr(0, colon), gateway.substr(colon + 1),
                             "bench_prometheus_cpp", {{"instance", "bench"}});
  client.RegisterCollectable(registry);
  Push(pushes, [&] {
    const int status = client.Push();
    if (status != 200 && status != 202) Fail("push: " + std::to_string(status));
  });
}

int Main(const std::vector<std::string>& arguments) {
  const bool plugin = arguments.at(0) == "promplug";
  if (!plugin && arguments[0] != "prometheus_cpp") Fail("nobody is called " + arguments[0]);
  if (arguments.at(1) == "serve") {
    (plugin ? ServePlugin : ServePeer)(std::stoul(arguments.at(2)));
  } else {
    (plugin ? PushPlugin : PushPeer)(arguments.at(2), std::stoul(arguments.at(3)),
                                     std::stol(arguments.at(4)));
  }
  return 0;
}

}  // namespace
}  // namespace promplug::bench

int main(int argc, char** argv) { return promplug::bench::Main({argv + 1, argv + argc}); }
