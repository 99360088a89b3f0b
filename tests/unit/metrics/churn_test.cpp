// SPDX-License-Identifier: MIT
// Everything that can happen to series, at the same time; meant for the thread sanitizer as well.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"

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

// Between two sweeps the first writer passes over all that is kept, so that it never expires,
// however the threads are scheduled; other series do.
class ExpiryUnderFire {
 public:
  static constexpr int kWriters = 3;
  static constexpr int kPasses = 60;
  static constexpr int kKept = 40;

  void Run() {
    registry_.SetSeriesExpiry(std::chrono::seconds(4));
    std::vector<std::thread> writers;
    for (int t = 0; t < kWriters; ++t) writers.emplace_back([this, t] { Write(t); });
    std::thread reader([this] {
      while (!done_.load()) CheckExemplars();
    });
    std::thread maintainer([this] { Maintain(); });
    for (std::thread& writer : writers) writer.join();
    done_.store(true);
    reader.join();
    maintainer.join();
  }

  test::ManualClock clock_;
  Registry registry_{clock_};
  Family* kept_ = Make(&registry_, MetricType::kCounter, "kept_total");
  Family* observed_ = Make(&registry_, MetricType::kHistogram, "observed");
  Family* visitors_ = Make(&registry_, MetricType::kCounter, "visitors_total");
  std::atomic<uint64_t> malformed_{0};

 private:
  void Write(int t) {
    const std::string_view shared = "shared";
    Series* held = nullptr;
    ASSERT_TRUE(visitors_->FindOrMake(&shared, 1, &held).ok());
    for (int pass = 0; pass < kPasses; ++pass) {
      for (int i = 0; i < kKept; ++i) Touch(t, std::to_string(i));
      const std::string visitor = std::to_string(t) + "-" + std::to_string(pass);
      const std::string_view view = visitor;
      ASSERT_TRUE(visitors_->Update(&view, 1, UpdateOp::kAdd, 1).ok());
      // Often enough idle for long enough to go, and then used again.
      if (pass % 11 == 0) held->CounterInc();
      if (t == 0) PassDone();
    }
    visitors_->Unpin(held);
  }

  void Touch(int t, const std::string& id) {
    const std::string_view view = id;
    ASSERT_TRUE(kept_->Update(&view, 1, UpdateOp::kAdd, 1).ok());
    const std::string labels = "{trace=\"" + std::to_string(t) + "-" + id + "\"}";
    const Exemplar exemplar{labels, 0, 1};
    ASSERT_TRUE(observed_->Update(&view, 1, UpdateOp::kObserve, 0.1, &exemplar).ok());
  }

  void CheckExemplars() {
    const std::unique_ptr<PointSource> source = observed_->Read();
    Point points[16];
    while (const size_t n = source->Next(points, 16)) {
      for (size_t i = 0; i < n; ++i) {
        for (size_t e = 0; e < points[i].n_exemplars; ++e) {
          const std::string_view labels = points[i].exemplars[e].labels;
          const bool whole =
              labels.empty() || (labels.starts_with("{trace=\"") && labels.ends_with("\"}"));
          if (!whole) malformed_.fetch_add(1);
        }
      }
    }
  }

  // After every second pass comes a sweep.
  void PassDone() {
    const int passes = passes_.fetch_add(1) + 1;
    while (sweeps_.load() < passes / 2) std::this_thread::yield();
  }
  void Maintain() {
    while (!done_.load()) {
      const bool due = passes_.load() / 2 > sweeps_.load();
      if (due) clock_.Advance(std::chrono::seconds(1));
      registry_.Maintain();
      if (due) sweeps_.fetch_add(1);
    }
  }

  std::atomic<bool> done_{false};
  std::atomic<int> passes_{0};
  std::atomic<int> sweeps_{0};
};

TEST(ChurnTest, TotalsAreExactWhileIdleSeriesExpire) {
  ExpiryUnderFire fire;
  fire.Run();
  constexpr uint64_t kUpdates = ExpiryUnderFire::kWriters * ExpiryUnderFire::kPasses;
  EXPECT_EQ(SumOf(fire.kept_), kUpdates * ExpiryUnderFire::kKept);
  EXPECT_EQ(fire.malformed_.load(), 0u);
  EXPECT_GT(fire.registry_.ExpiredSeries(), 0u);
  EXPECT_LT(fire.registry_.LiveSeries(), 2 * ExpiryUnderFire::kKept + kUpdates + 1);
  uint64_t observations = 0;
  const std::unique_ptr<PointSource> source = fire.observed_->Read();
  Point points[64];
  while (const size_t n = source->Next(points, 64)) {
    for (size_t i = 0; i < n; ++i) {
      for (size_t b = 0; b <= points[i].n_bounds; ++b) observations += points[i].counts[b];
    }
  }
  EXPECT_EQ(observations, kUpdates * ExpiryUnderFire::kKept);
}

}  // namespace
}  // namespace promplug
