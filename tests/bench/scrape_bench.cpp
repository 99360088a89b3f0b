// SPDX-License-Identifier: MIT
// A whole scrape into a sink that drops it: handle_request() of the loaded plugin, and
// TextSerializer over Registry::Collect(). Names are work/who/lines, work being counters (3 labels,
// whole numbers), histograms (12 buckets), gauges (full doubles), or one of these with _gzip. Who:
// promplug; prometheus_cpp; memcpy, which copies the same text in pieces of 64 KiB.
//
// What is measured is made when its first benchmark runs: choose with --benchmark_filter.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "bench/expositions.hpp"
#include "bench/plugin_host.hpp"

namespace promplug::bench {
namespace {

constexpr size_t kPieceBytes = 64 * 1024;
constexpr size_t kSizes[] = {1'000, 10'000, 100'000, 1'000'000};

struct Made {
  std::unique_ptr<Exposition> exposition;
  std::string text;
};

const Made& Get(const std::string& who, Work work, size_t lines) {
  static std::map<std::tuple<std::string, Work, size_t>, Made> all;
  Made& made = all[{who, work, lines}];
  if (made.exposition == nullptr) {
    made.exposition = NewExposition(who, work, lines);
    made.text = made.exposition->Text();
  }
  return made;
}

void Report(benchmark::State& state, const Made& made, size_t wire_bytes) {
  state.counters["lines"] = static_cast<double>(CountLines(made.text));
  state.counters["bytes"] = static_cast<double>(made.text.size());
  state.counters["wire_bytes"] = static_cast<double>(wire_bytes);
}

void Scrape(benchmark::State& state, const std::string& who, Work work, size_t lines, bool gzip) {
  const Made& made = Get(who, work, lines);
  size_t wire_bytes = 0;
  for (auto _ : state) wire_bytes = made.exposition->Scrape(gzip);
  Report(state, made, wire_bytes);
}

void Copy(benchmark::State& state, Work work, size_t lines) {
  const Made& made = Get("promplug", work, lines);
  std::vector<char> piece(kPieceBytes);
  for (auto _ : state) {
    for (size_t at = 0; at < made.text.size(); at += kPieceBytes) {
      std::memcpy(piece.data(), &made.text[at], std::min(kPieceBytes, made.text.size() - at));
      benchmark::DoNotOptimize(piece.data());
      benchmark::ClobberMemory();
    }
  }
  Report(state, made, made.text.size());
}

void RegisterAll() {
  for (const Work work : {Work::kCounters, Work::kHistograms, Work::kGauges}) {
    for (const size_t lines : kSizes) {
      const std::string name = NameOf(work);
      const std::string size = "/" + std::to_string(lines);
      for (const char* who : {"promplug", "prometheus_cpp"}) {
        const auto add = [=](const std::string& full_name, bool gzip) {
          benchmark::RegisterBenchmark(full_name.c_str(), [=](benchmark::State& state) {
            Scrape(state, who, work, lines, gzip);
          });
        };
        add(name + "/" + who + size, false);
        add(name + "_gzip/" + who + size, true);
      }
      benchmark::RegisterBenchmark((name + "/memcpy" + size).c_str(),
                                   [=](benchmark::State& state) { Copy(state, work, lines); });
    }
  }
}

}  // namespace
}  // namespace promplug::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  promplug::bench::RegisterAll();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
