// SPDX-License-Identifier: MIT
// usage: scrape_probe promplug|prometheus_cpp WORK LINES
//
// The memory of one scrape: how often it allocates, and how much more than before it is resident at
// the most; and what the series themselves take. One exposition a process, since the heap
// remembers. Writes one JSON object.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "bench/allocation_count.hpp"
#include "bench/expositions.hpp"
#include "bench/plugin_host.hpp"

namespace promplug::bench {
namespace {

constexpr int kScrapes = 3;

// A line of /proc/self/status that is in kB.
int64_t StatusBytes(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.compare(0, key.size() + 1, key + ":") == 0) {
      return std::atoll(line.c_str() + key.size() + 1) * 1024;
    }
  }
  Fail("no " + key + " in /proc/self/status");
}

// Sets the peak back to what is resident now (proc(5)).
void ForgetPeak() {
  std::ofstream out("/proc/self/clear_refs");
  out << '5' << std::flush;
  if (!out) Fail("/proc/self/clear_refs cannot be written");
}

void RequirePluginIsCounted() {
  Instance instance;
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = PROMPLUG_COUNTER;
  desc.name = Str("a_total");
  const uint64_t before = Allocations();
  instance.Family(desc);
  if (Allocations() == before) Fail("the allocations of the plugin are not counted");
}

int Main(const std::string& who, Work work, size_t lines) {
  RequirePluginIsCounted();
  const int64_t empty = StatusBytes("VmRSS");
  const auto exposition = NewExposition(who, work, lines);
  const int64_t before = StatusBytes("VmRSS");
  ForgetPeak();
  exposition->Scrape(false);
  const int64_t peak = StatusBytes("VmHWM");
  // The fewest: other threads of the plugin may allocate meanwhile.
  uint64_t allocations = UINT64_MAX;
  for (int i = 0; i < kScrapes; ++i) {
    const uint64_t start = Allocations();
    exposition->Scrape(false);
    allocations = std::min(allocations, Allocations() - start);
  }
  std::printf(
      "{\"allocations\": %llu, \"peak_extra_bytes\": %lld, \"series\": %zu, "
      "\"series_bytes\": %lld, \"lines\": %zu}\n",
      static_cast<unsigned long long>(allocations),
      static_cast<long long>(std::max(peak - before, int64_t{0})), SeriesOf(work, lines),
      static_cast<long long>(before - empty), CountLines(exposition->Text()));
  return 0;
}

}  // namespace
}  // namespace promplug::bench

int main(int argc, char** argv) {
  using namespace promplug::bench;
  if (argc != 4) Fail("usage: scrape_probe promplug|prometheus_cpp WORK LINES");
  return Main(argv[1], WorkOf(argv[2]), std::strtoull(argv[3], nullptr, 10));
}
