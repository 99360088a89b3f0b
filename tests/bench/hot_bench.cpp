// SPDX-License-Identifier: MIT
// One update, through the function table of the loaded plugin and in prometheus-cpp, at one thread
// and at two on the same series. Names are work/who/iterations:N/threads:N.
//
// Who: promplug; promplug_idle, whose series are not spread over CPUs, since nothing maintains an
// instance that is not started; promplug_set, one of several processes (multiprocess.dir);
// prometheus_cpp; limit, the least that any design needs inside its host, each thread on a line of
// its own; shared_limit, both threads on one line.
#include <benchmark/benchmark.h>
#include <dlfcn.h>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/empty_call.h"
#include "bench/plugin_host.hpp"
#include "bench/plugin_updates.hpp"
#include "bench/work.hpp"

namespace promplug::bench {
namespace {

constexpr size_t kValues = 4096;  // a power of two

const std::vector<double>& Values() {
  static const std::vector<double> values = Durations(kValues);
  return values;
}

struct PeerSide {
  prometheus::Registry registry;
  prometheus::Counter* counter;
  prometheus::Gauge* gauge;
  prometheus::Histogram* histogram;
  prometheus::Family<prometheus::Counter>* looked_up;
  LabelValues labels = LabelValuesOf(kLookedUp);

  PeerSide() {
    counter = &prometheus::BuildCounter().Name("counter_total").Register(registry).Add({});
    gauge = &prometheus::BuildGauge().Name("gauge").Register(registry).Add({});
    histogram = &prometheus::BuildHistogram()
                     .Name("histogram")
                     .Register(registry)
                     .Add({}, prometheus::Histogram::BucketBoundaries(std::begin(kBounds),
                                                                      std::end(kBounds)));
    looked_up = &prometheus::BuildCounter().Name("looked_up_total").Register(registry);
    for (size_t i = 0; i < kLookUpSeries; ++i) Find(LabelValuesOf(i));
  }

  prometheus::Counter& Find(const LabelValues& values) {
    return looked_up->Add(
        {{kLabelNames[0], values[0]}, {kLabelNames[1], values[1]}, {kLabelNames[2], values[2]}});
  }
};

const empty_call_table* EmptyCalls() {
  void* object = dlopen(EMPTY_CALL_SO, RTLD_NOW | RTLD_LOCAL);
  if (object == nullptr) Fail(dlerror());
  const auto entry = reinterpret_cast<empty_call_entry_fn>(dlsym(object, "empty_call_entry"));
  if (entry == nullptr) Fail(dlerror());
  return entry();
}

// Two lines, since the hardware fetches pairs.
struct alignas(128) Line {
  std::atomic<uint64_t> cell{0};
};
Line shared_line;

// Fixed: on a busy machine the library's own estimate may end at one.
constexpr int64_t kCheap = 1'000'000;
constexpr int64_t kDear = 100'000;

void Finish(benchmark::internal::Benchmark* registered, int64_t iterations) {
  registered->Iterations(iterations)->Threads(1)->Threads(2);
}

// `operation(i)` is measured, i counting up.
template <typename Operation>
void Register(const std::string& work, const std::string& who, Operation operation,
              int64_t iterations = kCheap) {
  const auto body = [operation](benchmark::State& state) {
    size_t i = 0;
    for (auto _ : state) operation(i++);
  };
  Finish(benchmark::RegisterBenchmark((work + "/" + who).c_str(), body), iterations);
}

void RegisterPlugin(const std::string& who, PluginUpdates* side) {
  const promplug_api* const api = Api();
  const double* const values = Values().data();
  Register("inc", who, [=](size_t) { api->counter_inc(side->counter); });
  Register("add", who, [=](size_t) { api->counter_add(side->counter, 2); });
  Register("add_fraction", who, [=](size_t) { api->counter_add(side->fraction, .5); });
  Register("set", who, [=](size_t i) { api->gauge_set(side->gauge, static_cast<double>(i)); });
  Register("observe", who, [=](size_t i) { api->observe(side->histogram, values[i % kValues]); });
  Register("observe_native", who,
           [=](size_t i) { api->observe(side->native, values[i % kValues]); });
  Register(
      "look_up_inc", who, [=](size_t) { benchmark::DoNotOptimize(side->LookUpAndAdd()); }, kDear);
}

void RegisterPeer(PeerSide* side) {
  const std::string who = "prometheus_cpp";
  const double* const values = Values().data();
  Register("inc", who, [=](size_t) { side->counter->Increment(); });
  Register("add", who, [=](size_t) { side->counter->Increment(2); });
  Register("add_fraction", who, [=](size_t) { side->counter->Increment(.5); });
  Register("set", who, [=](size_t i) { side->gauge->Set(static_cast<double>(i)); });
  Register("observe", who, [=](size_t i) { side->histogram->Observe(values[i % kValues]); });
  Register(
      "look_up_inc", who, [=](size_t) { side->Find(side->labels).Increment(); }, kDear);
}

// On a line of each thread's own.
template <typename Operation>
void RegisterLimit(const std::string& work, Operation operation) {
  const auto body = [operation](benchmark::State& state) {
    Line line;
    size_t i = 0;
    for (auto _ : state) operation(line.cell, i++);
  };
  Finish(benchmark::RegisterBenchmark((work + "/limit").c_str(), body), kCheap);
}

// What the machine gives: sixteen additions in one chain, each of which waits for the one before;
// and in eight chains, which do not wait for each other and take all that a core can do at once.
// The empty statements keep each number in a register, and its additions apart.
void RegisterPace() {
  constexpr int kSteps = 16;
  const auto one = [](benchmark::State& state) {
    uint64_t a = 0;
    for (auto _ : state) {
      for (int i = 0; i < kSteps; ++i) asm volatile("" : "+r"(++a));
    }
  };
  const auto eight = [](benchmark::State& state) {
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (auto _ : state) {
      for (int i = 0; i < kSteps; ++i) {
        ++a, ++b, ++c, ++d, ++e, ++f, ++g, ++h;
        asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f), "+r"(g), "+r"(h));
      }
    }
  };
  benchmark::RegisterBenchmark("pace/one_chain", one)->Iterations(kDear)->Threads(1);
  benchmark::RegisterBenchmark("pace/eight_chains", eight)->Iterations(kDear)->Threads(1);
}

void RegisterLimits() {
  RegisterLimit("inc", [](std::atomic<uint64_t>& cell, size_t) {
    benchmark::DoNotOptimize(cell.fetch_add(1, std::memory_order_relaxed));
  });
  RegisterLimit("set", [](std::atomic<uint64_t>& cell, size_t i) {
    cell.store(i, std::memory_order_relaxed);
    benchmark::ClobberMemory();
  });
  Register("inc", "shared_limit", [](size_t) {
    benchmark::DoNotOptimize(shared_line.cell.fetch_add(1, std::memory_order_relaxed));
  });
  RegisterPace();
  const empty_call_table* const calls = EmptyCalls();
  Register("empty_call", "loaded_object", [=](size_t) { calls->empty(&shared_line); });
  const auto add = [=](benchmark::State& state) {
    alignas(128) uint64_t cell = 0;
    for (auto _ : state) calls->add(&cell);
  };
  Finish(benchmark::RegisterBenchmark("add_call/loaded_object", add), kCheap);
}

// The plugin spreads a series that was hot in two rounds of its upkeep, four of which are in a
// second.
void MakeHot(PluginUpdates* side) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  const auto body = [=] {
    const promplug_api* const api = Api();
    while (std::chrono::steady_clock::now() < end) {
      for (size_t i = 0; i < kValues; ++i) {
        api->counter_inc(side->counter);
        api->counter_add(side->fraction, .5);
        api->observe(side->histogram, Values()[i]);
        benchmark::DoNotOptimize(side->LookUpAndAdd());
      }
    }
  };
  std::thread other(body);
  body();
  other.join();
}

}  // namespace
}  // namespace promplug::bench

int main(int argc, char** argv) {
  using namespace promplug::bench;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("promplug", Api()->version);
  benchmark::AddCustomContext("compiler", __VERSION__);

  PluginUpdates hot;
  hot.instance.Start();
  PluginUpdates idle;
  char directory[] = "/dev/shm/promplug-bench-XXXXXX";
  if (mkdtemp(directory) == nullptr) Fail("no directory in /dev/shm");
  auto set = std::make_unique<PluginUpdates>(Instance::Overrides{{"multiprocess.dir", directory}});
  set->instance.Start();
  PeerSide peer;
  RegisterPlugin("promplug", &hot);
  RegisterPlugin("promplug_idle", &idle);
  RegisterPlugin("promplug_set", set.get());
  RegisterPeer(&peer);
  RegisterLimits();
  MakeHot(&hot);
  MakeHot(set.get());
  benchmark::RunSpecifiedBenchmarks();
  set.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return 0;
}
