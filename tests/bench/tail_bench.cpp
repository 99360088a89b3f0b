// SPDX-License-Identifier: MIT
// usage: tail_bench promplug|prometheus_cpp LINES SECONDS
//
// How long single updates take while nothing else runs, and while another thread scrapes LINES
// counters again and again: of each update the time by the clock, the clock's own included. At the
// least SECONDS and one scrape. Writes one JSON object in ns.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/expositions.hpp"
#include "bench/plugin_host.hpp"

namespace promplug::bench {
namespace {

using Clock = std::chrono::steady_clock;

// What took longer counts as this.
constexpr int64_t kMostNs = 1 << 20;

template <typename Operation, typename GoOn>
std::string Percentiles(Operation operation, GoOn go_on) {
  std::vector<uint64_t> counts(kMostNs + 1);  // of each number of ns
  uint64_t samples = 0;
  for (; samples % 1024 != 0 || go_on(); ++samples) {
    const auto before = Clock::now();
    operation();
    const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - before);
    ++counts[static_cast<size_t>(std::min<int64_t>(took.count(), kMostNs))];
  }
  std::string text;
  for (const auto& [name, share] : {std::pair{"p50", .5}, {"p99", .99}, {"p999", .999}}) {
    uint64_t below = 0;
    size_t ns = 0;
    while ((below += counts[ns]) < static_cast<uint64_t>(share * static_cast<double>(samples))) {
      ++ns;
    }
    text += std::string(text.empty() ? "{" : ", ") + '"' + name + "\": " + std::to_string(ns);
  }
  return text + "}";
}

template <typename Operation>
std::string Quiet(Operation operation, Clock::duration duration) {
  const auto end = Clock::now() + duration;
  return Percentiles(operation, [end] { return Clock::now() < end; });
}

template <typename Operation>
std::string Scraped(Exposition& exposition, Operation operation, Clock::duration duration) {
  const auto end = Clock::now() + duration;
  std::atomic<bool> begun{false};
  std::atomic<bool> done{false};
  std::thread scraper([&] {
    begun = true;
    do exposition.Scrape(false);
    while (Clock::now() < end);
    done = true;
  });
  while (!begun) std::this_thread::yield();
  const std::string text = Percentiles(operation, [&] { return !done; });
  scraper.join();
  return text;
}

int Main(const std::string& who, size_t lines, double seconds) {
  const auto exposition = NewExposition(who, Work::kCounters, lines);
  const auto duration =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const auto increment = [&] { exposition->Increment(); };
  const auto look_up = [&] { exposition->LookUpAndIncrement(); };
  std::printf(
      "{\"clock\": {\"quiet\": %s},\n"
      " \"inc\": {\"quiet\": %s, \"scraped\": %s},\n"
      " \"look_up_inc\": {\"quiet\": %s, \"scraped\": %s}}\n",
      Quiet([] {}, duration).c_str(), Quiet(increment, duration).c_str(),
      Scraped(*exposition, increment, duration).c_str(), Quiet(look_up, duration).c_str(),
      Scraped(*exposition, look_up, duration).c_str());
  return 0;
}

}  // namespace
}  // namespace promplug::bench

int main(int argc, char** argv) {
  using namespace promplug::bench;
  if (argc != 4) Fail("usage: tail_bench promplug|prometheus_cpp LINES SECONDS");
  return Main(argv[1], std::strtoull(argv[2], nullptr, 10), std::strtod(argv[3], nullptr));
}
