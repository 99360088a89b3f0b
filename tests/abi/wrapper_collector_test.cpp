// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "wrapper_host.hpp"

namespace promplug::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

void WriteOneGauge(Writer& writer, std::string_view name) {
  writer.Gauge(name, "h");
  writer.Sample({{"album", "sea"}}, 3);
}

TEST(WrapperCollectorTest, ALambdaSaysFamiliesAndPoints) {
  auto plugin = RunningPlugin();
  auto registration = plugin
                          .Collector("albums",
                                     [](Writer& writer) {
                                       EXPECT_GT(writer.time_left().count(), 0);
                                       WriteOneGauge(writer, "album_photos");
                                       writer.Counter("albums_made_total", "h");
                                       writer.Sample(2);
                                     })
                          .OrThrow();
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("# TYPE album_photos gauge\nalbum_photos{album=\"sea\"} 3\n"),
                    HasSubstr("# TYPE albums_made_total counter\nalbums_made_total 2\n")));
}

TEST(WrapperCollectorTest, APointMayHaveAllThatTheAbiKnows) {
  auto plugin = RunningPlugin();
  auto registration = plugin
                          .Collector("sizes",
                                     [](Writer& writer) {
                                       const double bounds[] = {1, 2};
                                       const uint64_t counts[] = {1, 4};
                                       auto point = detail::Sized<promplug_point>();
                                       point.bounds = bounds;
                                       point.cumulative_counts = counts;
                                       point.n_bounds = 2;
                                       point.count = 5;
                                       point.sum = 9.5;
                                       writer.Family(PROMPLUG_HISTOGRAM, "sizes", "h");
                                       writer.Point(point);
                                     })
                          .OrThrow();
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("sizes_bucket{le=\"2\"} 4\n"),
                    HasSubstr("sizes_bucket{le=\"+Inf\"} 5\n"), HasSubstr("sizes_sum 9.5\n")));
}

TEST(WrapperCollectorTest, AnExceptionCostsThatRunsOutputAndNothingElse) {
  auto plugin = RunningPlugin();
  auto bad = plugin
                 .Collector("bad",
                            [](Writer& writer) {
                              WriteOneGauge(writer, "half_said");
                              throw std::runtime_error("the database is gone");
                            })
                 .OrThrow();
  auto good =
      plugin.Collector("good", [](Writer& writer) { WriteOneGauge(writer, "said"); }).OrThrow();
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("said{album=\"sea\"} 3\n"), Not(HasSubstr("half_said"))));
  EXPECT_EQ(plugin.Status().collector_failures, 1u);
}

TEST(WrapperCollectorTest, ALambdaThatAnswersFalseDropsTheRun) {
  auto plugin = RunningPlugin();
  auto registration = plugin
                          .Collector("bad",
                                     [](Writer& writer) {
                                       WriteOneGauge(writer, "half_said");
                                       return false;
                                     })
                          .OrThrow();
  EXPECT_THAT(Exposition(plugin), Not(HasSubstr("half_said")));
  EXPECT_EQ(plugin.Status().collector_failures, 1u);
}

TEST(WrapperCollectorTest, APointThatIsNotValidIsRefusedAndTheCollectorGoesOn) {
  auto plugin = RunningPlugin();
  auto registration = plugin
                          .Collector("mixed",
                                     [](Writer& writer) {
                                       writer.Gauge("mixed", "h");
                                       EXPECT_TRUE(writer.Sample({{"not a name", "x"}}, 1));
                                       EXPECT_TRUE(writer.Sample({{"name", "x"}}, 2));
                                     })
                          .OrThrow();
  EXPECT_THAT(Exposition(plugin), HasSubstr("mixed{name=\"x\"} 2\n"));
}

TEST(WrapperCollectorTest, WhatTheLambdaHoldsGoesWithTheRegistration) {
  auto plugin = RunningPlugin();
  auto held = std::make_shared<int>(3);
  {
    auto registration = plugin
                            .Collector("held",
                                       [held](Writer& writer) {
                                         writer.Gauge("held", "h");
                                         writer.Sample(*held);
                                       })
                            .OrThrow();
    EXPECT_THAT(Exposition(plugin), HasSubstr("held 3\n"));
    EXPECT_GT(held.use_count(), 1);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_THAT(Exposition(plugin), Not(HasSubstr("held 3")));
}

TEST(WrapperCollectorTest, ANameThatIsTakenIsAnErrorAndTheLambdaIsDestroyed) {
  auto plugin = RunningPlugin();
  auto held = std::make_shared<int>(3);
  auto first = plugin.Collector("name", [](Writer&) {}).OrThrow();
  auto second = plugin.Collector("name", [held](Writer&) {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), PROMPLUG_E_EXISTS);
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WrapperCollectorTest, ARegistrationMayOutliveThePlugin) {
  auto held = std::make_shared<int>(3);
  Registration registration;
  {
    auto plugin = RunningPlugin();
    registration = plugin.Collector("held", [held](Writer&) {}).OrThrow();
  }
  registration = Registration();
  EXPECT_EQ(held.use_count(), 1);
}

TEST(WrapperCollectorTest, ValuesComeFromFunctionsAndFromCells) {
  auto plugin = RunningPlugin();
  std::atomic<uint64_t> unsigned_cell{7};
  std::atomic<int64_t> signed_cell{-7};
  double plain_cell = 1.5;
  auto function = plugin.GaugeValue("from_function", "h", [] { return 4; }, {{"a", "b"}}).OrThrow();
  auto first = plugin.CounterValue("from_unsigned_total", "h", unsigned_cell).OrThrow();
  auto second = plugin.GaugeValue("from_signed", "h", signed_cell).OrThrow();
  auto third = plugin.GaugeValue("from_double", "h", &plain_cell).OrThrow();
  EXPECT_THAT(Exposition(plugin),
              AllOf(HasSubstr("from_function{a=\"b\"} 4\n"), HasSubstr("from_unsigned_total 7\n"),
                    HasSubstr("from_signed -7\n"), HasSubstr("from_double 1.5\n")));
  unsigned_cell = 8;
  EXPECT_THAT(Exposition(plugin), HasSubstr("from_unsigned_total 8\n"));
}

TEST(WrapperCollectorTest, AValueThatThrowsIsLeftOut) {
  auto plugin = RunningPlugin();
  auto bad = plugin.GaugeValue("bad", "h", []() -> double { throw 1; }).OrThrow();
  auto good = plugin.GaugeValue("good", "h", [] { return 1; }).OrThrow();
  EXPECT_THAT(Exposition(plugin), AllOf(HasSubstr("\ngood 1\n"), Not(HasSubstr("\nbad "))));
}

TEST(WrapperCollectorTest, ACollectorOfTheLoopRunsOnTheThreadThatRunsThePending) {
  std::mutex mutex;
  std::condition_variable woken;
  bool due = false;
  auto options = TestOptions();
  options.wake = [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    due = true;
    woken.notify_one();
  };
  auto plugin = RunningPlugin(options);
  const auto loop_thread = std::this_thread::get_id();
  CollectorOptions on_loop;
  on_loop.on_loop = true;
  auto registration = plugin
                          .Collector(
                              "loop",
                              [&](Writer& writer) {
                                EXPECT_EQ(std::this_thread::get_id(), loop_thread);
                                WriteOneGauge(writer, "of_the_loop");
                              },
                              on_loop)
                          .OrThrow();
  std::string body;
  std::thread scraper([&] { body = Exposition(plugin); });
  {
    std::unique_lock<std::mutex> lock(mutex);
    EXPECT_TRUE(woken.wait_for(lock, std::chrono::seconds(30), [&] { return due; }));
  }
  EXPECT_FALSE(plugin.RunPending(std::chrono::seconds(5)).OrThrow());
  scraper.join();
  EXPECT_THAT(body, HasSubstr("of_the_loop{album=\"sea\"} 3\n"));
}

TEST(WrapperCollectorTest, ACollectorOfTheLoopNeedsAHostThatCanBeWoken) {
  auto plugin = RunningPlugin();
  CollectorOptions on_loop;
  on_loop.on_loop = true;
  auto registration = plugin.Collector(
      "loop", [](Writer&) {}, on_loop);
  ASSERT_FALSE(registration);
  EXPECT_EQ(registration.error().code(), PROMPLUG_E_UNSUPPORTED);
}

}  // namespace
}  // namespace promplug::host
