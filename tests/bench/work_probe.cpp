// SPDX-License-Identifier: MIT
// usage: work_probe WORK TIMES
//
// Does one work of the plugin again and again, for a profiler that counts what happens inside of
// measured_work(): an update (inc, set, observe, look_up_inc) of an instance that is not started,
// or a whole scrape of 10 000 lines (counters, histograms, gauges, counters_gzip).
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/expositions.hpp"
#include "bench/plugin_updates.hpp"
#include "bench/work.hpp"

namespace {

using promplug::bench::Api;
using promplug::bench::Fail;

constexpr size_t kLines = 10'000;

using Operation = std::function<void(size_t)>;

extern "C" [[gnu::noinline]] void measured_work(const Operation& operation, size_t times) {
  for (size_t i = 0; i < times; ++i) operation(i);
}

Operation UpdateNamed(const std::string& work) {
  const auto side = std::make_shared<promplug::bench::PluginUpdates>();
  if (work == "inc") return [=](size_t) { Api()->counter_inc(side->counter); };
  if (work == "set")
    return [=](size_t i) { Api()->gauge_set(side->gauge, static_cast<double>(i)); };
  if (work == "look_up_inc") return [=](size_t) { side->LookUpAndAdd(); };
  if (work != "observe") Fail("no such work: " + work);
  return [=, values = promplug::bench::Durations(1024)](size_t i) {
    Api()->observe(side->histogram, values[i % values.size()]);
  };
}

Operation WorkNamed(const std::string& work) {
  const std::string kind = work.substr(0, work.find('_'));
  if (kind != "counters" && kind != "histograms" && kind != "gauges") return UpdateNamed(work);
  const std::shared_ptr<promplug::bench::Exposition> exposition =
      promplug::bench::NewExposition("promplug", promplug::bench::WorkOf(kind), kLines);
  const bool gzip = kind != work;
  return [=](size_t) { exposition->Scrape(gzip); };
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) Fail("usage: work_probe WORK TIMES");
  const Operation operation = WorkNamed(argv[1]);
  // What is bound or made at the first time is no part of the work.
  operation(0);
  measured_work(operation, std::stoul(argv[2]));
  return 0;
}
