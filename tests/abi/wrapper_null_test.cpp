// SPDX-License-Identifier: MIT
#include <atomic>

#include "wrapper_host.hpp"

namespace promplug::host {
namespace {

// What a host does all day; with the null plugin none of it may fail or crash.
TEST(WrapperNullTest, EveryCallOnAPluginThatIsNotThereDoesNothingAndSucceeds) {
  Plugin plugin = Plugin::Load("/nowhere/promplug.so").ValueOr(Plugin());
  EXPECT_FALSE(plugin.loaded());
  EXPECT_TRUE(plugin.version().empty());
  EXPECT_TRUE(plugin.Start());
  EXPECT_TRUE(plugin.Reload());
  EXPECT_TRUE(plugin.PushNow(std::chrono::seconds(1)));
  EXPECT_TRUE(plugin.ForkPrepare());
  EXPECT_TRUE(plugin.ForkParent());
  EXPECT_TRUE(plugin.ForkChild(PROMPLUG_CHILD_INERT));
  EXPECT_TRUE(plugin.StepDown());
  EXPECT_FALSE(*plugin.RunPending(std::chrono::seconds(1)));
  EXPECT_EQ(plugin.Status().state, 0);
  EXPECT_TRUE(plugin.LastError().empty());
  EXPECT_EQ(plugin.UpdateMany(nullptr, 0), PROMPLUG_OK);
  EXPECT_TRUE(plugin.Stop(std::chrono::seconds(1)));
}

TEST(WrapperNullTest, InstrumentsOfAPluginThatIsNotThereCountForNothing) {
  Plugin plugin;
  auto requests = plugin.Counter("requests_total", "h", {"method", "status"});
  EXPECT_TRUE(requests.status());
  EXPECT_TRUE(requests.Find("GET", 200));
  auto get = requests.Labels("GET", 200);
  get.Inc();
  get.Add(2, {{"trace_id", "1"}});
  get.Remove();
  get.MakeSharedCell()->Add(3);
  get.MakeExclusiveCell()->Add(3);
  requests.Inc("GET", 200);
  EXPECT_EQ(requests.RemoveMatching({}), 0u);
  plugin.Gauge("g", "h").Labels().Set(1);
  plugin.Histogram("h", "h").Labels().Observe(1, {{"trace_id", "1"}});
  plugin.Summary("s", "h").Labels().Observe(1);
  plugin.Info("i", "h", {"version"}).Labels("1");
  plugin.Stateset("t", "h", {"on", "off"}).Labels().Set(0, true);
}

TEST(WrapperNullTest, CollectorsAndValuesOfAPluginThatIsNotThereAreNeverCalled) {
  Plugin plugin;
  std::atomic<uint64_t> cell{1};
  auto collector = plugin.Collector("c", [](Writer&) { FAIL(); });
  auto value = plugin.GaugeValue("v", "h", []() -> double { throw 1; });
  auto counter = plugin.CounterValue("w_total", "h", cell);
  ASSERT_TRUE(collector);
  ASSERT_TRUE(value);
  ASSERT_TRUE(counter);
  EXPECT_TRUE(collector->Unregister(std::chrono::seconds(1)));
}

TEST(WrapperNullTest, NoRequestIsHandledByAPluginThatIsNotThere) {
  Plugin plugin;
  EXPECT_FALSE(plugin.Handle(Request()).OrThrow().has_value());
  EXPECT_FALSE(plugin.BeginScrape(Request(), [] {}).OrThrow().handled());
  const auto refuse = [](const auto&) { return false; };
  EXPECT_TRUE(plugin.Gather(refuse, refuse));
}

}  // namespace
}  // namespace promplug::host
