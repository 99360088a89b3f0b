// SPDX-License-Identifier: MIT
// Encoding of 10k lines into a sink that drops them, in each format, and their compression. The
// items are the lines that the text format has.
#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "compress/compressors.hpp"
#include "exposition/stream.hpp"
#include "support/fake_gathering.hpp"

namespace promplug {
namespace {

constexpr size_t kLines = 10000;

std::vector<std::string> Labels(size_t n) {
  static constexpr const char* kMethods[] = {"GET", "POST", "PUT", "DELETE"};
  std::vector<std::string> labels;
  for (size_t i = 0; i < n; ++i) {
    labels.push_back(std::string("{method=\"") + kMethods[i % 4] + "\",route=\"/api/v1/items/" +
                     std::to_string(i) + "\",status=\"" + std::to_string(200 + i % 5) + "\"}");
  }
  return labels;
}

Gathering OneFamily(MetricType type, std::string_view name, const std::vector<Point>& points) {
  Gathering gathering;
  testing::AddFamily(&gathering, type, name, "What it is.",
                     std::make_unique<testing::RepeatingSource>(points, 1));
  return gathering;
}

void Encode(benchmark::State& state, Format format, MetricType type,
            const std::vector<Point>& points, size_t lines_a_point) {
  size_t bytes = 0;
  for (auto _ : state) {
    const auto stream = NewExpositionStream(OneFamily(type, "http_requests_total", points), format,
                                            Timestamps::kKeep);
    for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) {
      benchmark::DoNotOptimize(piece.data());
      bytes += piece.size();
    }
  }
  const auto lines = static_cast<int64_t>(points.size() * lines_a_point) * state.iterations();
  state.SetItemsProcessed(lines);
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
  state.counters["ns_a_line"] = benchmark::Counter(
      static_cast<double>(lines) * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void Counters(benchmark::State& state, Format format) {
  const auto labels = Labels(kLines);
  std::mt19937_64 random(1);
  std::vector<Point> points(kLines);
  for (size_t i = 0; i < kLines; ++i) {
    points[i].labels = labels[i];
    points[i].is_integer = true;
    points[i].integer = random() % 10000000;
  }
  Encode(state, format, MetricType::kCounter, points, 1);
}
BENCHMARK_CAPTURE(Counters, Text, Format::kText004);
BENCHMARK_CAPTURE(Counters, OpenMetrics, Format::kOpenMetrics);
BENCHMARK_CAPTURE(Counters, Protobuf, Format::kProtobuf);

void Gauges(benchmark::State& state, Format format) {
  const auto labels = Labels(kLines);
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> values(0, 1000);
  std::vector<Point> points(kLines);
  for (size_t i = 0; i < kLines; ++i) {
    points[i].labels = labels[i];
    points[i].value = values(random);
  }
  Encode(state, format, MetricType::kGauge, points, 1);
}
BENCHMARK_CAPTURE(Gauges, Text, Format::kText004);
BENCHMARK_CAPTURE(Gauges, OpenMetrics, Format::kOpenMetrics);
BENCHMARK_CAPTURE(Gauges, Protobuf, Format::kProtobuf);

void Histograms(benchmark::State& state, Format format) {
  static constexpr double kBounds[] = {.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};
  constexpr size_t kBuckets = std::size(kBounds) + 1;
  const auto labels = Labels(kLines / kBuckets);
  std::mt19937_64 random(1);
  std::vector<Point> points(labels.size());
  std::vector<uint64_t> counts(labels.size() * kBuckets);
  for (uint64_t& count : counts) count = random() % 1000;
  for (size_t i = 0; i < points.size(); ++i) {
    points[i].labels = labels[i];
    points[i].bounds = kBounds;
    points[i].n_bounds = std::size(kBounds);
    points[i].counts = &counts[i * kBuckets];
    points[i].sum = static_cast<double>(random() % 100000) / 7;
  }
  Encode(state, format, MetricType::kHistogram, points, kBuckets + 2);
}
BENCHMARK_CAPTURE(Histograms, Text, Format::kText004);
BENCHMARK_CAPTURE(Histograms, OpenMetrics, Format::kOpenMetrics);
BENCHMARK_CAPTURE(Histograms, Protobuf, Format::kProtobuf);

void Compress(benchmark::State& state, std::unique_ptr<Compressor> (*make)()) {
  const auto labels = Labels(kLines);
  std::string text;
  for (size_t i = 0; i < kLines; ++i) {
    text += "http_requests_total" + labels[i] + " " + std::to_string(i * 977 % 100003) + "\n";
  }
  std::string out;
  for (auto _ : state) {
    out.clear();
    const auto compressor = make();
    if (compressor == nullptr) {
      state.SkipWithError("not built in");
      break;
    }
    for (size_t at = 0; at < text.size(); at += ExpositionStream::kMaxPieceBytes) {
      compressor->Write(std::string_view(text).substr(at, ExpositionStream::kMaxPieceBytes), &out);
    }
    compressor->Finish(&out);
  }
  state.SetBytesProcessed(static_cast<int64_t>(text.size()) * state.iterations());
  state.counters["ratio"] = static_cast<double>(text.size()) / static_cast<double>(out.size());
}
BENCHMARK_CAPTURE(Compress, GzipByIsal, &NewIsalGzipCompressor);
BENCHMARK_CAPTURE(Compress, GzipByZlib, &NewZlibGzipCompressor);
BENCHMARK_CAPTURE(Compress, Zstd, &NewZstdCompressor);

}  // namespace
}  // namespace promplug

BENCHMARK_MAIN();
