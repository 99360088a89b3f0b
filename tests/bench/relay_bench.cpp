// SPDX-License-Identifier: MIT
// Cleaning of what node_exporter says, and its memory: MB/s of input, and the most bytes that were
// allocated at a time ("peak_bytes"), per series of the input ("peak_per_series").
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <new>
#include <set>
#include <string>
#include <string_view>

#include "push/staged_body.hpp"
#include "relay/cleaner.hpp"
#include "relay/regroup.hpp"

namespace {

size_t live_bytes = 0;
size_t peak_bytes = 0;

}  // namespace

// Not inlined: gcc would take free() for the wrong partner of the caller's new.
[[gnu::noinline]] void* operator new(size_t size) {
  void* const block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  live_bytes += malloc_usable_size(block);
  peak_bytes = std::max(peak_bytes, live_bytes);
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  live_bytes -= malloc_usable_size(block);
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { operator delete(block); }

namespace promplug {
namespace {

constexpr size_t kPieceBytes = 16 * 1024;  // as libcurl gives them

std::string ReadData(const char* name) {
  std::ifstream in(std::string(PROMPLUG_TEST_DATA "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

size_t CountSeries(const std::string& body) {
  size_t series = 0;
  for (size_t at = 0; at < body.size(); at = body.find('\n', at) + 1) series += body[at] != '#';
  return series;
}

template <typename Clean>
void Run(benchmark::State& state, const std::string& body, Clean&& clean) {
  ForwardConfig config;
  config.drop = {"go_*", "process_*", "promhttp_*"};
  const std::set<std::string> exclude;
  const FamilyFilter filter(config, exclude);
  const size_t before = live_bytes;
  peak_bytes = live_bytes;
  for (auto _ : state) {
    if (!clean(filter)) {
      state.SkipWithError("not clean");
      break;
    }
  }
  const auto peak = static_cast<double>(peak_bytes - before);
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations() * body.size()));
  state.counters["peak_bytes"] = peak;
  state.counters["peak_per_series"] = peak / static_cast<double>(CountSeries(body));
}

bool FeedAll(Cleaner& cleaner, const std::string& body) {
  for (size_t at = 0; at < body.size(); at += kPieceBytes) {
    if (!cleaner.Feed(std::string_view(body).substr(at, kPieceBytes))) return false;
  }
  return true;
}

void Stream(benchmark::State& state, const std::string& body) {
  Run(state, body, [&](const FamilyFilter& filter) {
    size_t written = 0;
    Cleaner cleaner(filter, Cleaner::Input::kAsItComes, [&](std::string_view piece) {
      written += piece.size();
      return true;
    });
    benchmark::DoNotOptimize(written);
    return FeedAll(cleaner, body) && cleaner.Finish();
  });
}

void CleanAllCollectors(benchmark::State& state) {
  Stream(state, ReadData("node_exporter_all_collectors.txt"));
}
BENCHMARK(CleanAllCollectors);

// As the relay does it before it sends. "allowed_bytes" is what it may take: the staged body, 16
// bytes a series, and a MiB.
void CleanAndStage(benchmark::State& state) {
  const std::string body = ReadData("node_exporter_all_collectors.txt");
  uint64_t staged_bytes = 0;
  Run(state, body, [&](const FamilyFilter& filter) {
    StagedBody staged(StagedBody::Sent::kGzip);
    Cleaner cleaner(filter, Cleaner::Input::kAsItComes,
                    [&](std::string_view piece) { return staged.Write(piece); });
    if (!FeedAll(cleaner, body) || !cleaner.Finish() || !staged.Finish()) return false;
    staged_bytes = staged.size();
    return true;
  });
  state.counters["allowed_bytes"] =
      static_cast<double>(staged_bytes + 16 * CountSeries(body) + (1 << 20));
}
BENCHMARK(CleanAndStage);

void CleanDefault(benchmark::State& state) { Stream(state, ReadData("node_exporter_default.txt")); }
BENCHMARK(CleanDefault);

void CleanAllCollectorsHeldAndRegrouped(benchmark::State& state) {
  const std::string body = ReadData("node_exporter_all_collectors.txt");
  Run(state, body, [&](const FamilyFilter& filter) {
    Cleaner cleaner(filter, Cleaner::Input::kRegrouped, [](std::string_view) { return true; });
    const auto pieces = Regroup(body);
    return pieces.ok() &&
           std::all_of(pieces.value().begin(), pieces.value().end(),
                       [&](std::string_view piece) { return cleaner.Feed(piece); }) &&
           cleaner.Finish();
  });
}
BENCHMARK(CleanAllCollectorsHeldAndRegrouped);

// One family with that many series of three labels.
void CleanOneFamily(benchmark::State& state) {
  std::string body;
  for (int64_t i = 0; i < state.range(0); ++i) {
    body += "http_requests_total{method=\"GET\",path=\"/albums/" + std::to_string(i) +
            "\",status=\"200\"} " + std::to_string(i * 7) + "\n";
  }
  Stream(state, body);
}
BENCHMARK(CleanOneFamily)->Arg(1000)->Arg(100'000)->Arg(1'000'000);

// Families of one series each.
void CleanManyFamilies(benchmark::State& state) {
  std::string body;
  for (int64_t i = 0; i < state.range(0); ++i) {
    const std::string name = "family_" + std::to_string(i);
    body += "# TYPE " + name + " gauge\n" + name + " 1\n";
  }
  Stream(state, body);
}
BENCHMARK(CleanManyFamilies)->Arg(100'000);

}  // namespace
}  // namespace promplug

BENCHMARK_MAIN();
