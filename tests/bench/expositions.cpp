// SPDX-License-Identifier: MIT
#include "bench/expositions.hpp"

#include "bench/plugin_host.hpp"
#include "bench/work.hpp"

namespace promplug::bench {
namespace {

constexpr struct {
  Work work;
  const char* name;
} kWorks[] = {
    {Work::kCounters, "counters"}, {Work::kHistograms, "histograms"}, {Work::kGauges, "gauges"}};

}  // namespace

const char* NameOf(Work work) { return kWorks[static_cast<size_t>(work)].name; }

Work WorkOf(const std::string& name) {
  for (const auto& each : kWorks) {
    if (name == each.name) return each.work;
  }
  Fail("no such work: " + name);
}

size_t SeriesOf(Work work, size_t lines) {
  return work == Work::kHistograms ? lines / kLinesAHistogram : lines;
}

std::unique_ptr<Exposition> NewExposition(const std::string& who, Work work, size_t lines) {
  if (who == "promplug") return NewPluginExposition(work, lines);
  if (who == "prometheus_cpp") return NewPeerExposition(work, lines);
  Fail("nobody is called " + who);
}

size_t CountLines(const std::string& text) {
  size_t lines = 0;
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) lines += text[at] != '#';
  return lines;
}

}  // namespace promplug::bench
