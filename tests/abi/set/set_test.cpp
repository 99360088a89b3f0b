// SPDX-License-Identifier: MIT
// Several processes as one instance, through the ABI.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "set_world.hpp"

namespace so_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// Two flags by which a test and its processes go through their steps.
struct Steps {
  std::atomic<int> ready{0};
  std::atomic<int> go{0};

  void Reach(int step) { ready.store(step); }
  bool Await(int step) {
    return Eventually([&] { return go.load() >= step; });
  }
};

TEST(SetTest, EveryProcessAnswersForAll) {
  const SetWorld world;
  auto* steps = SharedMemory<Steps>();
  Process other([&] {
    Host host(world.Overrides());
    host.Start();
    Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "c_total")), 5);
    Api()->gauge_set(host.Metric(host.Family(PROMPLUG_GAUGE, "g")), 7);
    Api()->observe(host.Metric(host.Family(PROMPLUG_HISTOGRAM, "h")), 0.3);
    Api()->observe(host.Metric(host.Family(PROMPLUG_SUMMARY, "s")), 2);
    steps->Reach(1);
    steps->Await(1);
    return ValueIn(host.Get(), "c_total") == 8 ? 0 : 1;
  });
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() == 1; }));
  Host host(world.Overrides());
  host.Start();
  Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "c_total")), 3);
  Api()->gauge_set(host.Metric(host.Family(PROMPLUG_GAUGE, "g")), 1);
  Api()->observe(host.Metric(host.Family(PROMPLUG_HISTOGRAM, "h")), 0.3);
  Api()->observe(host.Metric(host.Family(PROMPLUG_SUMMARY, "s")), 4);
  const std::string text = host.Get();
  EXPECT_EQ(ValueIn(text, "c_total"), 8) << text;
  EXPECT_EQ(ValueIn(text, "g{worker=\"0\"}"), 7) << text;
  EXPECT_EQ(ValueIn(text, "g{worker=\"1\"}"), 1);
  EXPECT_EQ(ValueIn(text, "h_count"), 2);
  EXPECT_EQ(ValueIn(text, "s_count"), 2);
  EXPECT_EQ(ValueIn(text, "s_sum"), 6);
  EXPECT_EQ(ValueIn(text, "promplug_build_info{version=\"" + std::string(Api()->version) +
                              "\",worker=\"1\"}"),
            1)
      << text;
  EXPECT_GT(ValueIn(text, "process_resident_memory_bytes{worker=\"0\"}"), 0);
  steps->go.store(1);
  EXPECT_EQ(other.Join(), 0);
}

TEST(SetTest, WhatAProcessCountedStaysWhenItIsGoneAndItsGaugesGo) {
  const SetWorld world;
  Host host(world.Overrides());
  host.Start();
  auto* steps = SharedMemory<Steps>();
  Process other([&] {
    Host inside(world.Overrides());
    inside.Start();
    Api()->counter_add(inside.Metric(inside.Family(PROMPLUG_COUNTER, "c_total")), 5);
    Api()->gauge_set(inside.Metric(inside.Family(PROMPLUG_GAUGE, "g")), 7);
    steps->Reach(1);
    steps->Await(1);
    return 0;
  });
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() == 1; }));
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 5);
  EXPECT_THAT(host.Get(), HasSubstr("\ng{worker="));
  other.Kill();
  for (int i = 0; i < 50; ++i) {
    const std::string text = host.Get();
    ASSERT_EQ(ValueIn(text, "c_total"), 5);
    ASSERT_THAT(text, Not(HasSubstr("\ng{worker=")));
  }
  EXPECT_TRUE(Eventually([&] { return world.Files(".seg") == 1; })) << "it is folded";
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 5);
}

void RegisterCell(Host& host, promplug_str name, const double& cell, int32_t process_mode) {
  promplug_value value = {};
  value.struct_size = sizeof value;
  value.type = PROMPLUG_GAUGE;
  value.name = name;
  value.source = PROMPLUG_SRC_F64;
  value.addr = &cell;
  value.process_mode = process_mode;
  promplug_reg reg = 0;
  EXPECT_EQ(Api()->register_value(host.p, &value, &reg, &host.err), PROMPLUG_OK) << host.err.text;
}

void RegisterCells(Host& host, const double& cell) {
  RegisterCell(host, S("each"), cell, PROMPLUG_MODE_DEFAULT);
  RegisterCell(host, S("added"), cell, PROMPLUG_MODE_SUM);
  RegisterCell(host, S("largest"), cell, PROMPLUG_MODE_MAX);
  RegisterCell(host, S("least"), cell, PROMPLUG_MODE_MIN);
}

TEST(SetTest, ValuesBecomeOneByTheirProcessMode) {
  const SetWorld world;
  auto* steps = SharedMemory<Steps>();
  Process other([&] {
    static const double cell = 2;
    Host inside(world.Overrides());
    RegisterCells(inside, cell);
    inside.Start();
    steps->Reach(1);
    steps->Await(1);
    return 0;
  });
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() == 1; }));
  static const double cell = 5;
  Host host(world.Overrides());
  RegisterCells(host, cell);
  host.Start();
  std::string text;
  EXPECT_TRUE(Eventually([&] {
    text = host.Get();
    return ValueIn(text, "added") == 7;
  })) << text;
  EXPECT_EQ(ValueIn(text, "largest"), 5) << text;
  EXPECT_EQ(ValueIn(text, "least"), 2) << text;
  EXPECT_EQ(ValueIn(text, "each{worker=\"0\"}"), 2) << text;
  EXPECT_EQ(ValueIn(text, "each{worker=\"1\"}"), 5) << text;
  steps->go.store(1);
  EXPECT_EQ(other.Join(), 0);
}

// What the native buckets of the histogram count; -1: it has none.
int64_t NativeCount(Host& host) {
  int64_t count = -1;
  promplug_visitor visitor = {};
  visitor.struct_size = sizeof visitor;
  visitor.user = &count;
  visitor.family = [](void*, const promplug_family_head*) { return int32_t{0}; };
  visitor.point = [](void* user, const promplug_point* point) {
    const promplug_native_histogram* native = point->native;
    if (native == nullptr) return int32_t{0};
    uint64_t sum = native->zero_count;
    const uint64_t* counts = native->positive_counts;
    for (size_t i = 0; i < native->n_positive_spans; ++i) {
      for (uint32_t k = 0; k < native->positive_lengths[i]; ++k) sum += *counts++;
    }
    *static_cast<int64_t*>(user) = static_cast<int64_t>(sum);
    return int32_t{0};
  };
  EXPECT_EQ(Api()->gather(host.p, &visitor, 10000, &host.err), PROMPLUG_OK) << host.err.text;
  return count;
}

promplug_metric* NativeHistogram(Host& host) {
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = PROMPLUG_HISTOGRAM;
  desc.name = S("h");
  desc.help = S("help");
  desc.native_max_buckets = 20;
  promplug_family* family = nullptr;
  EXPECT_EQ(Api()->family(host.p, &desc, &family, &host.err), PROMPLUG_OK) << host.err.text;
  return host.Metric(family);
}

TEST(SetTest, NativeBucketsStayWhenTheirProcessHasStopped) {
  const SetWorld world;
  Host host(world.Overrides());
  host.Start();
  Api()->observe(NativeHistogram(host), 1);
  Process other([&] {
    Host inside(world.Overrides());
    inside.Start();
    for (const double v : {1.0, 2.0, 3.0}) Api()->observe(NativeHistogram(inside), v);
    return 0;
  });
  EXPECT_EQ(other.Join(), 0);
  EXPECT_EQ(NativeCount(host), 4);
  EXPECT_TRUE(Eventually([&] { return world.Files(".seg") == 1; })) << "it is folded";
  EXPECT_EQ(NativeCount(host), 4);
}

// A process of a set that runs and has a counter.
struct Counting {
  explicit Counting(double n) {
    host.Start();
    Api()->counter_add(counter, n);
  }
  SetWorld world;
  Host host{world.Overrides()};
  promplug_metric* counter = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
};

TEST(SetTest, ForkChildrenBecomeProcessesOfTheirOwn) {
  Counting counting(10);
  Host& host = counting.host;
  promplug_metric* const counter = counting.counter;
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  auto* steps = SharedMemory<Steps>();
  Process child([&] {
    if (Api()->fork_child(host.p, PROMPLUG_CHILD_RESTART, &host.err) != PROMPLUG_OK) return 1;
    Api()->counter_add(counter, 3);
    Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "later_total")), 4);
    steps->Reach(1);
    steps->Await(1);
    return ValueIn(host.Get(), "c_total") == 13 ? 0 : 2;
  });
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() == 1; }));
  const std::string text = host.Get();
  EXPECT_EQ(ValueIn(text, "c_total"), 13) << text;
  EXPECT_EQ(ValueIn(text, "later_total"), 4);
  steps->go.store(1);
  EXPECT_EQ(child.Join(), 0);
}

TEST(SetTest, AForkChildOfOneThatHasNoDirectoryIsAloneAndSaysWhy) {
  const SetWorld world;
  const std::string missing = world.path() + "/missing";
  Host host({{S("multiprocess.dir"), S(missing.c_str())}});
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  Process child([&] {
    if (Api()->fork_child(host.p, PROMPLUG_CHILD_RESTART, &host.err) != PROMPLUG_OK) return 1;
    if (Api()->start(host.p, &host.err) != PROMPLUG_E_IO) return 2;
    return std::string(host.err.text).find(missing) != std::string::npos ? 0 : 3;
  });
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  EXPECT_EQ(child.Join(), 0);
}

TEST(SetTest, AChildWithoutTheHooksCountsForItsParent) {
  Counting counting(0);
  Host& host = counting.host;
  promplug_metric* const counter = counting.counter;
  Process child([&] {
    Api()->counter_add(counter, 3);
    promplug_family* family = nullptr;
    promplug_family_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.type = PROMPLUG_COUNTER;
    desc.name = S("other_total");
    return Api()->family(host.p, &desc, &family, nullptr) == PROMPLUG_E_FORKED ? 0 : 1;
  });
  EXPECT_EQ(child.Join(), 0);
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 3);
}

TEST(SetTest, AChildThatFindsNoRoomForItsFileGoesOnAlone) {
  Counting counting(10);
  Host& host = counting.host;
  promplug_metric* const counter = counting.counter;
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  Process child([&] {
    std::filesystem::remove_all(counting.world.path());
    if (Api()->fork_child(host.p, PROMPLUG_CHILD_RESTART, &host.err) != PROMPLUG_E_IO) return 1;
    Api()->counter_add(counter, 3);
    Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "later_total")), 4);
    const std::string text = host.Get();
    return ValueIn(text, "c_total") == 3 && ValueIn(text, "later_total") == 4 ? 0 : 2;
  });
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  EXPECT_EQ(child.Join(), 0);
}

TEST(SetTest, AChildWhoseValuesCannotBeginFromZeroIsInertAndCountsNowhere) {
  const SetWorld world;
  Host host(world.Overrides({{S("multiprocess.max_segment_bytes"), S("65536")}}));
  host.Start();
  Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "c_total")), 10);
  // A summary begins anew by another sketch, and there is no room for one.
  promplug_family* summary = host.Family(PROMPLUG_SUMMARY, "s", {S("id")});
  for (int i = 0; i < 1000; ++i) {
    const std::string id = std::to_string(i);
    const promplug_str value = S(id.c_str());
    (void)Api()->update(summary, &value, 1, PROMPLUG_OP_OBSERVE, 1, nullptr);
  }
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  auto* steps = SharedMemory<Steps>();
  Process child([&] {
    if (Api()->fork_child(host.p, PROMPLUG_CHILD_RESTART, &host.err) != PROMPLUG_E_NOMEM) return 1;
    if (Api()->start(host.p, &host.err) != PROMPLUG_E_FORKED) return 2;
    if (host.Status().state != PROMPLUG_STATE_FORKED) return 3;
    steps->Reach(1);
    steps->Await(1);
    return 0;
  });
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() == 1; }));
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 10);
  EXPECT_EQ(world.Files(".seg"), 1u);
  steps->go.store(1);
  EXPECT_EQ(child.Join(), 0);
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 10);
}

TEST(SetTest, OneListensAndAnotherTakesOver) {
  const SetWorld world;
  const std::vector<promplug_kv> overrides =
      world.Overrides({{S("scrape.listen"), S("127.0.0.1:0")}});
  auto* steps = SharedMemory<Steps>();
  Process first([&] {
    Host host(overrides);
    host.Start();
    steps->Reach(host.Status().listen_port != 0 ? 1 : 2);
    steps->Await(1);
    return 0;
  });
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() != 0; }));
  ASSERT_EQ(steps->ready.load(), 1) << "the first listens when start() has returned";
  Host host(overrides);
  host.Start();
  EXPECT_EQ(host.Status().listen_port, 0);
  first.Kill();
  EXPECT_TRUE(Eventually([&] { return host.Status().listen_port != 0; }));
}

TEST(SetTest, WhoStepsDownLeavesTheListenerToAnotherAndGoesOnAnswering) {
  const SetWorld world;
  const std::vector<promplug_kv> overrides =
      world.Overrides({{S("scrape.listen"), S("127.0.0.1:0")}});
  auto* steps = SharedMemory<Steps>();
  Process other([&] {
    // It is forked while the test has no threads yet.
    steps->Await(1);
    Host inside(overrides);
    inside.Start();
    steps->Reach(inside.Status().listen_port == 0 ? 1 : 2);
    if (!Eventually([&] { return inside.Status().listen_port != 0; })) return 1;
    steps->Reach(3);
    steps->Await(2);
    return ValueIn(inside.Get(), "c_total") == 5 ? 0 : 2;
  });
  Host host(overrides);
  EXPECT_EQ(Api()->step_down(host.p, &host.err), PROMPLUG_E_STATE);
  host.Start();
  promplug_metric* counter = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
  ASSERT_NE(host.Status().listen_port, 0);
  steps->go.store(1);
  ASSERT_TRUE(Eventually([&] { return steps->ready.load() != 0; }));
  ASSERT_EQ(steps->ready.load(), 1);
  ASSERT_EQ(Api()->step_down(host.p, &host.err), PROMPLUG_OK) << host.err.text;
  EXPECT_TRUE(Eventually([&] { return steps->ready.load() == 3; }));
  EXPECT_EQ(host.Status().listen_port, 0);
  EXPECT_THAT(host.Log(), ::testing::Contains(HasSubstr("leaves pushing and listening")));
  Api()->counter_add(counter, 5);
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 5);
  steps->go.store(2);
  EXPECT_EQ(other.Join(), 0);
}

TEST(SetTest, ADirectoryThatCannotBeUsedLeavesTheProcessAlone) {
  Host host({{S("multiprocess.dir"), S("/nonexistent/promplug")}});
  EXPECT_EQ(Api()->start(host.p, &host.err), PROMPLUG_E_IO);
  EXPECT_THAT(host.err.text, HasSubstr("/nonexistent/promplug"));
  EXPECT_THAT(host.Log(), ::testing::Contains(HasSubstr("goes on by itself")));
  Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "c_total")), 3);
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 3);
}

TEST(SetTest, TotalsOutliveTheSetUnlessTheyAreToBeCleared) {
  const SetWorld world;
  for (int i = 1; i <= 3; ++i) {
    Host host(world.Overrides());
    host.Start();
    Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "c_total")), 1);
    EXPECT_EQ(ValueIn(host.Get(), "c_total"), i);
  }
  Host host(world.Overrides({{S("multiprocess.on_restart"), S("clear")}}));
  host.Start();
  Api()->counter_add(host.Metric(host.Family(PROMPLUG_COUNTER, "c_total")), 1);
  EXPECT_EQ(ValueIn(host.Get(), "c_total"), 1);
}

int32_t CollectOne(void* user, const promplug_writer* w) {
  promplug_family_head head = {};
  head.struct_size = sizeof head;
  head.type = PROMPLUG_COUNTER;
  head.name = S("collected_total");
  const int32_t rc = w->family(w, &head);
  return rc == PROMPLUG_OK ? w->sample(w, nullptr, 0, *static_cast<double*>(user)) : rc;
}

TEST(SetTest, CollectorsOfAllAreAddedAndOneProcessRunsThoseThatAreForOne) {
  double value = 5;
  const auto with_collector = [&](Host& host, uint32_t flags) {
    promplug_collector collector = {};
    collector.struct_size = sizeof collector;
    collector.flags = flags;
    collector.name = S("one");
    collector.collect = CollectOne;
    collector.user = &value;
    promplug_reg reg = 0;
    EXPECT_EQ(Api()->register_collector(host.p, &collector, &reg, &host.err), PROMPLUG_OK);
    host.Start();
  };
  for (const uint32_t flags : {0u, PROMPLUG_COLLECT_ONE_PROCESS}) {
    const SetWorld world;
    auto* steps = SharedMemory<Steps>();
    Process other([&] {
      Host host(world.Overrides());
      with_collector(host, flags);
      host.Get();
      steps->Reach(1);
      steps->Await(1);
      return 0;
    });
    ASSERT_TRUE(Eventually([&] { return steps->ready.load() == 1; }));
    Host host(world.Overrides());
    with_collector(host, flags);
    EXPECT_EQ(ValueIn(host.Get(), "collected_total"), flags == 0 ? 10 : 5) << host.Get();
    steps->go.store(1);
    EXPECT_EQ(other.Join(), 0);
    // What each process collected stays; of the one for all another process goes on.
    const double expected = flags == 0 ? 10 : 5;
    EXPECT_TRUE(Eventually([&] { return ValueIn(host.Get(), "collected_total") == expected; }))
        << host.Get();
  }
}

}  // namespace
}  // namespace so_test
