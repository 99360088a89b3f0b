// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <array>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "wrapper_host.hpp"

namespace promplug::host {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Pair;

// Counts ready calls, so that a test can wait where an event loop would go on with other things.
class ReadySignal {
 public:
  void Notify() {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++pending_;
    changed_.notify_one();
  }
  bool Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    const bool told =
        changed_.wait_for(lock, std::chrono::seconds(30), [&] { return pending_ > 0; });
    if (told) --pending_;
    return told;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int pending_ = 0;
};

struct Whole {
  ResponseHead head;
  std::string body;
  Scrape::Progress last = Scrape::Progress::kFailed;
};

Whole ReadAll(Scrape& scrape, ReadySignal& ready) {
  Whole whole;
  while ((whole.last = scrape.Head(&whole.head)) == Scrape::Progress::kAgain) {
    if (!ready.Wait()) return whole;
  }
  std::array<char, 100> buffer;
  size_t n = 0;
  for (;;) {
    whole.last = scrape.Read(buffer.data(), buffer.size(), &n);
    if (whole.last == Scrape::Progress::kOk) {
      whole.body.append(buffer.data(), n);
    } else if (whole.last != Scrape::Progress::kAgain || !ready.Wait()) {
      return whole;
    }
  }
}

TEST(WrapperScrapeTest, AScrapeThatNeverBlocksGivesHeadAndWholeBody) {
  auto plugin = RunningPlugin();
  auto requests = plugin.Counter("requests_total", "h", {"n"});
  for (int i = 0; i < 500; ++i) requests.Inc(i);
  ReadySignal ready;
  auto scrape = plugin.BeginScrape(Request(), [&] { ready.Notify(); }).OrThrow();
  const auto whole = ReadAll(scrape, ready);
  EXPECT_EQ(whole.last, Scrape::Progress::kEnd);
  EXPECT_EQ(whole.head.status, 200);
  EXPECT_THAT(whole.head.headers, Contains(Pair("Content-Type", HasSubstr("version=0.0.4"))));
  for (int i = 0; i < 500; ++i) {
    EXPECT_THAT(whole.body, HasSubstr("requests_total{n=\"" + std::to_string(i) + "\"} 1\n"));
  }
}

TEST(WrapperScrapeTest, AScrapeWaitsForASlowCollectorWithoutBlockingTheLoop) {
  auto plugin = RunningPlugin();
  std::promise<void> go;
  auto may_go = go.get_future().share();
  auto registration = plugin
                          .Collector("slow",
                                     [may_go](Writer& writer) {
                                       may_go.wait();
                                       writer.Gauge("slow", "h");
                                       writer.Sample(1);
                                     })
                          .OrThrow();
  ReadySignal ready;
  auto scrape = plugin.BeginScrape(Request(), [&] { ready.Notify(); }).OrThrow();
  ResponseHead head;
  EXPECT_EQ(scrape.Head(&head), Scrape::Progress::kAgain);
  go.set_value();
  EXPECT_TRUE(ready.Wait());
  const auto whole = ReadAll(scrape, ready);
  EXPECT_EQ(whole.last, Scrape::Progress::kEnd);
  EXPECT_THAT(whole.body, HasSubstr("slow 1\n"));
}

TEST(WrapperScrapeTest, AScrapeCanBeGivenUp) {
  auto plugin = RunningPlugin();
  {
    auto scrape = plugin.BeginScrape(Request(), [] {}).OrThrow();
    EXPECT_TRUE(scrape.handled());
  }
  EXPECT_TRUE(plugin.Stop(std::chrono::seconds(10)));
}

TEST(WrapperScrapeTest, AnotherPathIsLeftToTheHost) {
  auto plugin = RunningPlugin();
  Request request;
  request.path = "/photos";
  EXPECT_FALSE(plugin.Handle(request).OrThrow().has_value());
  EXPECT_FALSE(plugin.BeginScrape(request, [] {}).OrThrow().handled());
  request.mounted = true;
  EXPECT_TRUE(plugin.Handle(request).OrThrow().has_value());
}

TEST(WrapperScrapeTest, AnotherMethodOnThePathIsAnswered405) {
  auto plugin = RunningPlugin();
  Request request;
  request.method = "DELETE";
  EXPECT_EQ(plugin.Handle(request).OrThrow()->head.status, 405);
}

TEST(WrapperScrapeTest, TheLengthIsKnownWhereTheHostNeedsIt) {
  auto plugin = RunningPlugin();
  plugin.Counter("requests_total", "h").Inc();
  Request request;
  request.need_length = true;
  const auto response = plugin.Handle(request).OrThrow();
  EXPECT_EQ(response->head.content_length, static_cast<int64_t>(response->body.size()));
}

TEST(WrapperScrapeTest, HeadHasTheSameHeadAndNoBody) {
  auto plugin = RunningPlugin();
  Request request;
  request.method = "HEAD";
  const auto response = plugin.Handle(request).OrThrow();
  EXPECT_EQ(response->head.status, 200);
  EXPECT_TRUE(response->body.empty());
}

TEST(WrapperScrapeTest, AHostThatStopsInTheMiddleGetsAnError) {
  auto plugin = RunningPlugin();
  plugin.Counter("requests_total", "h").Inc();
  auto handled = plugin.Handle(
      Request(), [](const ResponseHead&) { return true; }, [](std::string_view) { return false; });
  ASSERT_FALSE(handled);
  EXPECT_EQ(handled.error().code(), PROMPLUG_E_CANCELLED);
}

TEST(WrapperScrapeTest, WhatTheHostsSinkThrowsComesBackOutOfHandle) {
  auto plugin = RunningPlugin();
  plugin.Counter("requests_total", "h").Inc();
  const auto on_head = [](const ResponseHead&) { return true; };
  const auto on_body = [](std::string_view) -> bool { throw std::logic_error("broken pipe"); };
  EXPECT_THROW((void)plugin.Handle(Request(), on_head, on_body), std::logic_error);
  EXPECT_FALSE(Exposition(plugin).empty());
}

TEST(WrapperScrapeTest, GatherShowsFamiliesInTheOrderOfTheirNamesWithTheirPoints) {
  auto plugin = RunningPlugin();
  plugin.Gauge("b", "h").Set(2);
  plugin.Counter("a_total", "h", {"x"}).Add(3, "y");
  std::vector<std::string> seen;
  const auto on_family = [&](const promplug_family_head& head) {
    seen.emplace_back(detail::View(head.name));
    return true;
  };
  const auto on_point = [&](const promplug_point& point) {
    seen.push_back(std::to_string(point.n_labels) + ":" + std::to_string(int(point.value)));
    return true;
  };
  plugin.Gather(on_family, on_point, PROMPLUG_GATHER_INSTRUMENTS).OrThrow();
  EXPECT_EQ(seen, (std::vector<std::string>{"a_total", "1:3", "b", "0:2"}));
}

TEST(WrapperScrapeTest, AVisitorCanEndTheGather) {
  auto plugin = RunningPlugin();
  plugin.Gauge("b", "h").Set(2);
  int families = 0;
  const auto refuse = [&](const auto&) { return ++families > 1; };
  EXPECT_EQ(plugin.Gather(refuse, refuse).code(), PROMPLUG_E_CANCELLED);
  EXPECT_EQ(families, 1);
}

}  // namespace
}  // namespace promplug::host
