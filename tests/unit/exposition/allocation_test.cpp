// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "exposition/stream.hpp"
#include "support/fake_gathering.hpp"

namespace {
std::atomic<size_t> allocations{0};
}  // namespace

// Counted for the whole executable; only the test below looks at the count.
[[gnu::noinline]] void* operator new(size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(n == 0 ? 1 : n)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace promplug {
namespace {

constexpr std::string_view kLabels = R"({method="GET",route="/api/v1/photos",status="200"})";

struct Case {
  const char* name;
  MetricType type;
  Point point;
};

std::array<Case, 8> Cases() {
  static constexpr double kBounds[] = {0.1, 0.5, 1, 5, 10};
  static constexpr double kValues[] = {0.123456789, 1, 2.5, 3e300, -1};
  static constexpr uint64_t kCounts[] = {1, 2, 3, 4, 5, 6};
  static constexpr std::string_view kStates[] = {"ready", "a state with a \"name\" that is long"};
  Point p;
  p.labels = kLabels;
  p.integer = 123456;
  p.value = p.sum = 0.1234567890123;
  p.bounds = p.quantiles = kBounds;
  p.quantile_values = kValues;
  p.counts = kCounts;
  p.n_bounds = p.n_quantiles = std::size(kBounds);
  p.state_names = kStates;
  p.n_states = std::size(kStates);
  p.states = 2;
  static const Exemplar kExemplars[6] = {{R"({trace_id="a"})", 0.25, 1395066363250}};
  p.exemplars = kExemplars;
  p.n_exemplars = std::size(kExemplars);
  p.created_ms = 1395066363250;
  Point integer = p;
  integer.is_integer = true;
  return {{{"counter", MetricType::kCounter, integer},
           {"gauge", MetricType::kGauge, p},
           {"histogram", MetricType::kHistogram, p},
           {"gauge histogram", MetricType::kGaugeHistogram, p},
           {"summary", MetricType::kSummary, p},
           {"info", MetricType::kInfo, integer},
           {"stateset", MetricType::kStateset, p},
           {"untyped", MetricType::kUntyped, p}}};
}

class AllocationTest : public ::testing::TestWithParam<Format> {};

INSTANTIATE_TEST_SUITE_P(Formats, AllocationTest,
                         ::testing::Values(Format::kText004, Format::kOpenMetrics));

TEST_P(AllocationTest, NothingIsAllocatedAfterTheFirstPieceWhateverTheType) {
  for (const Case& one : Cases()) {
    const std::vector<Point> points(100, one.point);
    Gathering gathering;
    testing::AddFamily(&gathering, one.type, "some_family_with_a_long_name", "What it is for.",
                       std::make_unique<testing::RepeatingSource>(points, 1000));
    const auto stream = NewExpositionStream(std::move(gathering), GetParam(), Timestamps::kKeep);
    size_t bytes = stream->Next().size();
    const size_t before = allocations.load();
    for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) bytes += piece.size();
    EXPECT_EQ(allocations.load() - before, 0U) << one.name;
    EXPECT_GT(bytes, 100000 * kLabels.size()) << one.name;
  }
}

// A family is held whole: it takes a chunk of 16 KiB at a time, and nothing for a point.
TEST(ExpositionStream, AllocatesInProtobufWhatTheFamilyTakesAndNothingForAPoint) {
  constexpr size_t kChunkBytes = 16384;
  for (const Case& one : Cases()) {
    const std::vector<Point> points(100, one.point);
    Gathering gathering;
    testing::AddFamily(&gathering, one.type, "some_family_with_a_long_name", "What it is for.",
                       std::make_unique<testing::RepeatingSource>(points, 1000));
    const auto stream =
        NewExpositionStream(std::move(gathering), Format::kProtobuf, Timestamps::kKeep);
    const size_t before = allocations.load();
    size_t bytes = 0;
    for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) bytes += piece.size();
    EXPECT_LT(allocations.load() - before, bytes / kChunkBytes + 50) << one.name;
    EXPECT_GT(bytes, 100000 * kLabels.size() / 2) << one.name;
  }
}

TEST_P(AllocationTest, AHandfulOfTimesIsEnoughForManyFamilies) {
  constexpr size_t kFamilies = 1000;
  const std::vector<Point> points(1, Cases()[2].point);
  Gathering gathering;
  for (size_t i = 0; i < kFamilies; ++i) {
    testing::AddFamily(&gathering, MetricType::kHistogram, "family_" + std::to_string(10000 + i),
                       "What it is for.", std::make_unique<testing::RepeatingSource>(points, 1));
  }
  const size_t before = allocations.load();
  const auto stream = NewExpositionStream(std::move(gathering), GetParam(), Timestamps::kKeep);
  size_t bytes = 0;
  for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) bytes += piece.size();
  EXPECT_LT(allocations.load() - before, 50U);
  EXPECT_GT(bytes, kFamilies * 8 * kLabels.size());
}

}  // namespace
}  // namespace promplug
