// SPDX-License-Identifier: MIT
// What a scrape of 64 processes with 1 000 series each costs beyond that of one: merging them, and
// reading what they became. The items are the points that are merged.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "metrics/registry.hpp"
#include "multiprocess/part_codec.hpp"
#include "multiprocess/process_set.hpp"
#include "multiprocess/set_merge.hpp"

namespace promplug {
namespace {

constexpr uint32_t kProcesses = 64;
constexpr size_t kSeries = 1000;
constexpr size_t kFamilies = 20;
constexpr double kBounds[] = {.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10};

enum class Order { kSame, kEachItsOwn };

// One family of one process.
struct Part {
  PartHead head;
  std::vector<PartPoint> points;
};

class PointsOfPart final : public PartPoints {
 public:
  explicit PointsOfPart(const std::vector<PartPoint>& points) : points_(points) {}
  bool Next(PartPoint* out) override {
    if (at_ == points_.size()) return false;
    *out = points_[at_++];
    return true;
  }

 private:
  const std::vector<PartPoint>& points_;
  size_t at_ = 0;
};

// The families of all processes, as views of texts and counts that live as long.
class Set {
 public:
  Set(MetricType type, ProcessMode mode, Order order) {
    static constexpr const char* kMethods[] = {"GET", "POST", "PUT", "DELETE"};
    for (size_t i = 0; i < kFamilies; ++i) {
      names_.push_back("http_server_requests_" + std::to_string(i) + "_total");
    }
    for (size_t i = 0; i < kSeries; ++i) {
      labels_.push_back(std::string("{method=\"") + kMethods[i % 4] + "\",route=\"/api/v1/items/" +
                        std::to_string(i) + "\",status=\"" + std::to_string(200 + i % 5) + "\"}");
    }
    std::mt19937_64 random(1);
    counts_.resize(std::size(kBounds) + 1);
    for (uint64_t& count : counts_) count = random() % 1000;
    processes_.resize(kProcesses);
    for (auto& parts : processes_) {
      parts.resize(kFamilies);
      for (size_t i = 0; i < kFamilies; ++i) {
        parts[i].head.head.type = type;
        parts[i].head.head.name = names_[i];
        parts[i].head.head.process_mode = mode;
      }
      for (size_t i = 0; i < kSeries; ++i) {
        parts[i % kFamilies].points.push_back(PointOf(type, i, random() % 1000));
      }
      if (order == Order::kSame) continue;
      for (Part& part : parts) std::shuffle(part.points.begin(), part.points.end(), random);
    }
  }

  const std::vector<std::vector<Part>>& processes() const { return processes_; }

 private:
  PartPoint PointOf(MetricType type, size_t series, uint64_t value) const {
    PartPoint part;
    Point& point = part.point;
    point.labels = labels_[series];
    point.created_ms = 1'700'000'000'000;
    point.is_integer = type == MetricType::kCounter;
    point.integer = value;
    point.value = static_cast<double>(value) / 7;
    if (type != MetricType::kHistogram) return part;
    point.bounds = kBounds;
    point.n_bounds = std::size(kBounds);
    point.counts = counts_.data();
    point.sum = point.value;
    return part;
  }

  std::vector<std::string> names_;
  std::vector<std::string> labels_;
  std::vector<uint64_t> counts_;
  std::vector<std::vector<Part>> processes_;
};

void CountPoints(benchmark::State& state, size_t points) {
  const auto items = static_cast<int64_t>(points) * state.iterations();
  state.SetItemsProcessed(items);
  state.counters["ns_a_point"] = benchmark::Counter(
      static_cast<double>(items) * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void Ignore(std::string_view, std::string_view, std::string) {}

size_t ReadAll(const SetMerge& merge) {
  std::vector<Point> points(64);
  size_t read = 0;
  for (size_t i = 0; i < merge.n_families(); ++i) {
    const auto source = merge.Read(i);
    while (const size_t n = source->Next(points.data(), points.size())) read += n;
  }
  return read;
}

void Merge(benchmark::State& state, MetricType type, ProcessMode mode, Order order) {
  const Set set(type, mode, order);
  for (auto _ : state) {
    SetMerge merge(Ignore);
    for (uint32_t worker = 0; worker < kProcesses; ++worker) {
      for (const Part& part : set.processes()[worker]) {
        PointsOfPart points(part.points);
        merge.Add(part.head, {PartOwner::State::kLive, worker}, &points);
      }
    }
    benchmark::DoNotOptimize(ReadAll(merge));
  }
  CountPoints(state, kProcesses * kSeries);
}
BENCHMARK_CAPTURE(Merge, Counters, MetricType::kCounter, ProcessMode::kDefault, Order::kSame)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merge, CountersInAnyOrder, MetricType::kCounter, ProcessMode::kDefault,
                  Order::kEachItsOwn)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merge, Histograms, MetricType::kHistogram, ProcessMode::kDefault, Order::kSame)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merge, HistogramsInAnyOrder, MetricType::kHistogram, ProcessMode::kDefault,
                  Order::kEachItsOwn)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Merge, GaugesByWorker, MetricType::kGauge, ProcessMode::kPerWorker, Order::kSame)
    ->Unit(benchmark::kMillisecond);

// What collectors said, and what is retained, is read from bytes.
void Decode(benchmark::State& state, MetricType type) {
  const Set set(type, ProcessMode::kDefault, Order::kSame);
  std::string bytes;
  PartEncoder encoder(&bytes);
  for (const Part& part : set.processes()[0]) {
    encoder.Family(part.head);
    for (const PartPoint& point : part.points) encoder.Add(point);
  }
  encoder.End();
  for (auto _ : state) {
    size_t read = 0;
    const Status status = DecodeParts(bytes, [&](const PartHead&, PartPoints* points) {
      for (PartPoint point; points->Next(&point);) ++read;
    });
    if (!status.ok() || read != kSeries) state.SkipWithError("not read");
  }
  CountPoints(state, kSeries);
  state.SetBytesProcessed(static_cast<int64_t>(bytes.size()) * state.iterations());
}
BENCHMARK_CAPTURE(Decode, Counters, MetricType::kCounter);
BENCHMARK_CAPTURE(Decode, Histograms, MetricType::kHistogram);

// What a scrape of them costs as a whole, from the second one on: files, segments, merging,
// reading. The processes are objects of this one, each with a segment of its own.
class RealSet {
 public:
  explicit RealSet(MetricType type) : log_([](LogLevel, std::string_view) {}, LogLevel::kError) {
    const Clock& clock = Clock::Real();
    char path[] = "/dev/shm/promplug-bench-XXXXXX";
    if (::mkdtemp(path) == nullptr) throw std::runtime_error("no directory in /dev/shm");
    path_ = path;
    for (uint32_t i = 0; i < kProcesses; ++i) {
      ProcessSetOptions options;
      options.directory = path_;
      sets_.push_back(std::move(ProcessSet::Join(options, clock, log_)).value());
      registries_.push_back(std::make_unique<Registry>(clock, nullptr, sets_.back()->memory()));
      Fill(*registries_.back(), type);
    }
  }
  ~RealSet() {
    registries_.clear();
    sets_.clear();
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  RealSet(const RealSet&) = delete;
  RealSet& operator=(const RealSet&) = delete;

  size_t Read() { return ReadAll(*sets_[0]->Read(Ignore).value()); }

 private:
  static void Fill(Registry& registry, MetricType type) {
    for (size_t f = 0; f < kFamilies; ++f) {
      const std::string name = "http_server_requests_" + std::to_string(f);
      FamilyDescription description;
      description.type = type;
      description.name = name;
      description.label_names = {"method", "route", "status"};
      description.buckets.assign(std::begin(kBounds), std::end(kBounds));
      Family* family = registry.FindOrMake(description).value();
      for (size_t i = 0; i < kSeries / kFamilies; ++i) {
        const std::string route = "/api/v1/items/" + std::to_string(i);
        const std::string_view values[] = {"GET", route, "200"};
        Series* series = nullptr;
        if (!family->FindOrMake(values, 3, &series).ok()) throw std::runtime_error("no series");
        if (type == MetricType::kCounter) series->CounterAdd(static_cast<double>(i));
        if (type == MetricType::kHistogram) series->Observe(static_cast<double>(i) / 10);
      }
    }
  }

  Log log_;
  std::string path_;
  std::vector<std::unique_ptr<ProcessSet>> sets_;
  std::vector<std::unique_ptr<Registry>> registries_;
};

void ReadSet(benchmark::State& state, MetricType type) {
  RealSet set(type);
  benchmark::DoNotOptimize(set.Read());
  for (auto _ : state) benchmark::DoNotOptimize(set.Read());
  CountPoints(state, kProcesses * kSeries);
}
BENCHMARK_CAPTURE(ReadSet, Counters, MetricType::kCounter)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ReadSet, Histograms, MetricType::kHistogram)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace promplug

BENCHMARK_MAIN();
