// SPDX-License-Identifier: MIT
// Everything that can happen to series, at the same time; meant for the thread sanitizer as well.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "metrics/registry.hpp"

namespace promplug {
namespace {

constexpr int kRounds = 4000;

Family* Make(Registry* registry, MetricType type, std::string_view name) {
  FamilyDescription description;
  description.type = type;
  description.name = name;
  description.label_names = {"id"};
  return registry->FindOrMake(description).value();
}

uint64_t SumOf(Family* family) {
  uint64_t sum = 0;
  const std::unique_ptr<PointSource> source = family->Read();
  Point points[64];
  while (const size_t n = source->Next(points, 64)) {
    for (size_t i = 0; i < n; ++i) sum += points[i].integer;
  }
  return sum;
}

TEST(ChurnTest, TotalsAreExactWhileOtherSeriesComeAndGo) {
  Registry registry(Clock::Real());
  Family* kept = Make(&registry, MetricType::kCounter, "kept_total");
  Family* churned = Make(&registry, MetricType::kCounter, "churned_total");
  Family* observed = Make(&registry, MetricType::kHistogram, "observed");
  std::atomic<bool> done{false};
  std::atomic<uint64_t> malformed{0};
  std::vector<std::thread> writers;
  for (int t = 0; t < 3; ++t) {
    writers.emplace_back([&, t] {
      for (int i = 0; i < kRounds; ++i) {
        const std::string id = std::to_string(i % 50);
        const std::string_view view = id;
        ASSERT_TRUE(kept->Update(&view, 1, UpdateOp::kAdd, 1).ok());
        ASSERT_TRUE(observed->Update(&view, 1, UpdateOp::kObserve, 0.1).ok());
        Series* series = nullptr;
        ASSERT_TRUE(churned->FindOrMake(&view, 1, &series).ok());
        series->CounterInc();
        if ((i + t) % 3 == 0) churned->Remove(series);
        series->CounterInc();
        churned->Unpin(series);
        if (i % 100 == 0) churned->RemoveMatching(nullptr, 0);
      }
    });
  }
  std::thread reader([&] {
    while (!done.load()) {
      const std::unique_ptr<PointSource> source = churned->Read();
      Point points[16];
      while (const size_t n = source->Next(points, 16)) {
        for (size_t i = 0; i < n; ++i) {
          const bool whole =
              points[i].labels.starts_with("{id=\"") && points[i].labels.ends_with("\"}");
          if (!whole) malformed.fetch_add(1);
        }
      }
    }
  });
  std::thread maintainer([&] {
    while (!done.load()) registry.Maintain();
  });
  for (std::thread& writer : writers) writer.join();
  done.store(true);
  reader.join();
  maintainer.join();
  EXPECT_EQ(malformed.load(), 0u);
  EXPECT_EQ(SumOf(kept), 3u * kRounds);
  EXPECT_EQ(registry.RefusedSeries(), 0u);
  churned->RemoveMatching(nullptr, 0);
  EXPECT_EQ(registry.LiveSeries(), 100u);
}

}  // namespace
}  // namespace promplug
