// SPDX-License-Identifier: MIT
// Workers of one set are killed at random instants, thousands of times. What a scrape of the set
// says is always between what was counted before it began and what was counted when it ended.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <random>

#include "set_world.hpp"

namespace so_test {
namespace {

constexpr size_t kWorkers = 4;
constexpr int kKills = 2000;

struct Counted {
  // By worker, over all its lives. Incremented before and after each update.
  std::array<std::atomic<uint64_t>, kWorkers> begun{};
  std::array<std::atomic<uint64_t>, kWorkers> done{};
  std::atomic<uint64_t> lives{0};
  std::atomic<uint64_t> scrapes{0};
  std::atomic<bool> end{false};
  std::atomic<uint64_t> wrong{0};
  char first_wrong[256] = {};

  uint64_t Sum(const std::array<std::atomic<uint64_t>, kWorkers>& each) const {
    uint64_t sum = 0;
    for (const auto& n : each) sum += n.load();
    return sum;
  }
};

// Counts as fast as it can until it is killed: a counter, a histogram and series that come with it.
int Work(const SetWorld& world, Counted* counted, size_t number) {
  Host host(world.Overrides());
  host.Start();
  promplug_family* requests = host.Family(PROMPLUG_COUNTER, "requests_total", {S("path")});
  promplug_family* seconds = host.Family(PROMPLUG_HISTOGRAM, "seconds");
  promplug_metric* histogram = host.Metric(seconds);
  const std::string paths[] = {"/a", "/b", "/c"};
  counted->lives.fetch_add(1);
  for (uint64_t i = 0; !counted->end.load(std::memory_order_relaxed); ++i) {
    promplug_str path = {paths[i % 3].data(), paths[i % 3].size()};
    counted->begun[number].fetch_add(1);
    Api()->update(requests, &path, 1, PROMPLUG_OP_ADD, 1, nullptr);
    Api()->observe(histogram, 0.01);
    counted->done[number].fetch_add(1);
  }
  return 0;
}

// Scrapes the set again and again, and compares.
int Watch(const SetWorld& world, Counted* counted) {
  Host host(world.Overrides());
  host.Start();
  double last = 0;
  while (!counted->end.load()) {
    const auto before = static_cast<double>(counted->Sum(counted->done));
    const std::string text = host.Get();
    const auto after = static_cast<double>(counted->Sum(counted->begun));
    double total = 0;
    for (const char* path : {"/a", "/b", "/c"}) {
      total += std::max(0.0, ValueIn(text, "requests_total{path=\"" + std::string(path) + "\"}"));
    }
    const double observed = std::max(0.0, ValueIn(text, "seconds_count"));
    const bool right = total >= before && total <= after && total >= last && observed >= before &&
                       observed <= after;
    if (!right && counted->wrong.fetch_add(1) == 0) {
      snprintf(counted->first_wrong, sizeof counted->first_wrong,
               "%.0f <= total %.0f, observed %.0f <= %.0f; the total before was %.0f", before,
               total, observed, after, last);
    }
    last = total;
    counted->scrapes.fetch_add(1);
  }
  return 0;
}

TEST(SetKillTest, TotalsAreExactWhateverIsKilledWhenever) {
  const SetWorld world;
  auto* counted = SharedMemory<Counted>();
  ASSERT_NE(counted, nullptr);
  std::mt19937 random(4);
  std::array<std::unique_ptr<Process>, kWorkers> workers;
  const auto start = [&](size_t number) {
    workers[number] = std::make_unique<Process>(
        [&world, counted, number] { return Work(world, counted, number); });
  };
  for (size_t i = 0; i < kWorkers; ++i) start(i);
  auto watcher = std::make_unique<Process>([&] { return Watch(world, counted); });
  ASSERT_TRUE(Eventually([&] { return counted->scrapes.load() > 3; }));

  uint64_t killed = 0;
  for (int i = 0; i < kKills; ++i) {
    const size_t number = random() % kWorkers;
    // Some are killed while they come up, most while they count, after so many updates.
    const uint64_t enough = counted->begun[number].load() + random() % 4 * (random() % 20000);
    EXPECT_TRUE(Eventually([&] { return counted->begun[number].load() >= enough; }));
    workers[number]->Kill();
    ++killed;
    start(number);
    // The one that watches may be killed, too: another one goes on.
    if (i % 100 == 50) {
      watcher->Kill();
      watcher = std::make_unique<Process>([&] { return Watch(world, counted); });
    }
  }
  const uint64_t scrapes = counted->scrapes.load();
  ASSERT_TRUE(Eventually([&] { return counted->scrapes.load() > scrapes + 2; }));
  counted->end.store(true);
  for (auto& worker : workers) EXPECT_EQ(worker->Join(), 0);
  EXPECT_EQ(watcher->Join(), 0);
  EXPECT_EQ(counted->wrong.load(), 0u) << counted->first_wrong;
  EXPECT_GT(counted->lives.load(), killed / 4) << "most were killed before they counted anything";

  // Everybody is gone: the next one finds it all, but for what was in flight at the kills.
  Host host(world.Overrides());
  host.Start();
  const std::string text = host.Get();
  double total = 0;
  for (const char* path : {"/a", "/b", "/c"}) {
    total += ValueIn(text, "requests_total{path=\"" + std::string(path) + "\"}");
  }
  const auto begun = static_cast<double>(counted->Sum(counted->begun));
  const auto done = static_cast<double>(counted->Sum(counted->done));
  EXPECT_GE(total, done);
  EXPECT_LE(total, begun);
  EXPECT_LE(begun - done, static_cast<double>(killed));
  EXPECT_EQ(ValueIn(text, "seconds_bucket{le=\"+Inf\"}"), ValueIn(text, "seconds_count"));
  // What was folded leaves no files behind.
  EXPECT_TRUE(Eventually([&] { return world.Files(".seg") == 1; })) << world.Files(".seg");
}

}  // namespace
}  // namespace so_test
