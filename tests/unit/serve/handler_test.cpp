// SPDX-License-Identifier: MIT
#include "serve/handler.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <new>
#include <thread>

#include "compress/compressor.hpp"
#include "exposition/stream.hpp"
#include "support/fake_gatherer.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using namespace std::chrono_literals;
using test::FakeGatherer;
using test::ManualClock;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Progress = Scrape::Progress;

ScrapeRequest Get(std::string_view path = "/metrics", std::string_view query = {}) {
  ScrapeRequest request;
  request.method = "GET";
  request.path = path;
  request.query = query;
  return request;
}

ScrapeRequest With(std::string_view name, std::string_view value) {
  ScrapeRequest request = Get();
  request.headers = {{name, value}};
  return request;
}

// All headers of an answer that is ready, "Name: value\n" each.
std::string Headers(Scrape& scrape) {
  const ResponseHead* head = nullptr;
  EXPECT_EQ(scrape.Head(&head), Progress::kOk);
  std::string out;
  for (const auto& [name, value] : head->headers) out += name + ": " + value + "\n";
  return out;
}

int StatusOf(Scrape& scrape) {
  const ResponseHead* head = nullptr;
  return scrape.Head(&head) == Progress::kOk ? head->status : 0;
}

int64_t LengthOf(Scrape& scrape) {
  const ResponseHead* head = nullptr;
  return scrape.Head(&head) == Progress::kOk ? head->content_length : -2;
}

std::string Body(Scrape& scrape) {
  std::string body;
  std::string_view piece;
  Progress progress;
  while ((progress = scrape.Read(&piece)) == Progress::kOk) {
    EXPECT_FALSE(piece.empty());
    EXPECT_LE(piece.size(), 65536u);
    body.append(piece);
  }
  EXPECT_EQ(progress, Progress::kEnd);
  return body;
}

std::string Inflated(std::string_view gzip) {
  std::string out;
  size_t used = 0;
  const auto decompressor = NewGzipDecompressor();
  EXPECT_TRUE(decompressor->Write(gzip, 64u << 20, &used, &out).ok());
  EXPECT_TRUE(decompressor->AtEnd());
  return out;
}

std::string TextOf(Registry& registry) {
  Gathering gathering;
  for (Family* family : registry.Families()) {
    GatheredFamily gathered;
    gathered.head = family->head();
    gathered.parts.push_back(family->Read());
    gathering.families.push_back(std::move(gathered));
  }
  const auto stream =
      NewExpositionStream(std::move(gathering), Format::kText004, Timestamps::kKeep);
  std::string text;
  for (std::string_view piece; !(piece = stream->Next()).empty();) text.append(piece);
  return text;
}

class HandlerTest : public ::testing::Test {
 protected:
  HandlerTest() { Use(std::make_unique<FakeGatherer>()); }

  void Use(std::unique_ptr<FakeGatherer> gatherer) {
    handler_.reset();
    gatherer_ = std::move(gatherer);
    handler_ =
        NewScrapeHandler(*gatherer_, &self_, clock_, std::make_shared<const ScrapeConfig>(config_));
  }
  void Configure() { handler_->UpdateConfig(std::make_shared<const ScrapeConfig>(config_)); }
  std::unique_ptr<Scrape> Begin(const ScrapeRequest& request) {
    return handler_->Begin(request, [this] { ++calls_; });
  }
  Duration DeadlineOf(const ScrapeRequest& request) {
    Begin(request);
    return gatherer_->requests().back().deadline - clock_.Now();
  }
  std::string SelfText() { return TextOf(self_.registry()); }

  ManualClock clock_;
  SelfMetrics self_{clock_, "1.2.3"};
  ScrapeConfig config_;
  std::unique_ptr<FakeGatherer> gatherer_;
  std::unique_ptr<MetricsHandler> handler_;
  std::atomic<int> calls_{0};
};

TEST_F(HandlerTest, AnswersGetWithTheExposition) {
  const auto scrape = Begin(Get());
  ASSERT_NE(scrape, nullptr);
  EXPECT_EQ(StatusOf(*scrape), 200);
  EXPECT_EQ(LengthOf(*scrape), -1);
  EXPECT_THAT(Headers(*scrape),
              AllOf(HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\n"),
                    HasSubstr("Vary: Accept-Encoding\n"), Not(HasSubstr("Content-Encoding"))));
  EXPECT_EQ(Body(*scrape), test::kSmallText);
}

TEST_F(HandlerTest, AnswersHeadWithTheSameHeadersAndGathersNothing) {
  ScrapeRequest request = With("Accept-Encoding", "gzip");
  const std::string of_get = Headers(*Begin(request));
  request.method = "HEAD";
  const auto scrape = Begin(request);
  EXPECT_EQ(StatusOf(*scrape), 200);
  EXPECT_EQ(Headers(*scrape), of_get);
  EXPECT_EQ(LengthOf(*scrape), -1);
  EXPECT_EQ(Body(*scrape), "");
  EXPECT_EQ(gatherer_->requests().size(), 1u);
}

TEST_F(HandlerTest, LeavesOtherPathsToTheHost) {
  for (const char* path :
       {"/", "", "/metricsX", "/metrics/", "/metrics/a", "//metrics", "/Metrics"}) {
    EXPECT_EQ(Begin(Get(path)), nullptr) << path;
  }
  ScrapeRequest post = Get("/upload");
  post.method = "POST";
  EXPECT_EQ(Begin(post), nullptr);
}

TEST_F(HandlerTest, TakesAnyPathWhereTheHostChoseIt) {
  ScrapeRequest request = Get("/internal/whatever");
  request.ignore_path = true;
  ASSERT_NE(Begin(request), nullptr);
}

TEST_F(HandlerTest, RefusesOtherMethodsOnThePath) {
  for (const char* method : {"POST", "PUT", "DELETE", "get", "OPTIONS", ""}) {
    ScrapeRequest request = Get();
    request.method = method;
    const auto scrape = Begin(request);
    ASSERT_NE(scrape, nullptr) << method;
    EXPECT_EQ(StatusOf(*scrape), 405);
    EXPECT_THAT(Headers(*scrape), HasSubstr("Allow: GET, HEAD\n"));
    EXPECT_EQ(static_cast<size_t>(LengthOf(*scrape)), Body(*scrape).size());
  }
}

TEST_F(HandlerTest, CompressesWhereTheClientTakesIt) {
  const auto scrape = Begin(With("accept-encoding", "deflate, gzip"));
  EXPECT_THAT(Headers(*scrape),
              AllOf(HasSubstr("Content-Encoding: gzip\n"), HasSubstr("Vary: Accept-Encoding\n")));
  EXPECT_EQ(Inflated(Body(*scrape)), test::kSmallText);
}

TEST_F(HandlerTest, DoesNotCompressWhereTheClientOrTheConfigurationForbidsIt) {
  EXPECT_EQ(Body(*Begin(With("Accept-Encoding", "gzip;q=0"))), test::kSmallText);
  config_.compression = ScrapeCompression::kNone;
  Configure();
  const auto scrape = Begin(With("Accept-Encoding", "gzip"));
  EXPECT_THAT(Headers(*scrape), AllOf(Not(HasSubstr("Encoding"))));
  EXPECT_EQ(Body(*scrape), test::kSmallText);
}

TEST_F(HandlerTest, GivesZstdToAClientThatLikesItMoreUnlessTheConfigurationSaysGzip) {
  const ScrapeRequest request = With("Accept-Encoding", "gzip;q=0.9, zstd");
  EXPECT_THAT(Headers(*Begin(request)),
              AllOf(HasSubstr("Content-Encoding: zstd\n"), HasSubstr("Vary: Accept-Encoding\n")));
  config_.compression = ScrapeCompression::kGzip;
  Configure();
  const auto scrape = Begin(request);
  EXPECT_THAT(Headers(*scrape), HasSubstr("Content-Encoding: gzip\n"));
  EXPECT_EQ(Inflated(Body(*scrape)), test::kSmallText);
}

TEST_F(HandlerTest, JoinsHeadersThatComeTwice) {
  ScrapeRequest request = Get();
  request.headers = {{"Accept-Encoding", "br"}, {"Accept-Encoding", "gzip"}};
  EXPECT_THAT(Headers(*Begin(request)), HasSubstr("Content-Encoding: gzip"));
}

TEST_F(HandlerTest, GivesALargeExpositionInPieces) {
  Use(std::make_unique<FakeGatherer>([] { return test::LargeGathering(20'000); }));
  const std::string plain = Body(*Begin(Get()));
  EXPECT_GT(plain.size(), 1u << 20);
  EXPECT_EQ(Inflated(Body(*Begin(With("Accept-Encoding", "gzip")))), plain);
}

TEST_F(HandlerTest, HoldsTheBodyWhereItsLengthIsNeeded) {
  Use(std::make_unique<FakeGatherer>([] { return test::LargeGathering(20'000); }));
  const std::string plain = Body(*Begin(Get()));
  ScrapeRequest request = Get();
  request.need_length = true;
  auto scrape = Begin(request);
  EXPECT_EQ(static_cast<size_t>(LengthOf(*scrape)), plain.size());
  EXPECT_EQ(Body(*scrape), plain);

  request.headers = {{"Accept-Encoding", "gzip"}};
  scrape = Begin(request);
  const int64_t length = LengthOf(*scrape);
  const std::string body = Body(*scrape);
  EXPECT_EQ(static_cast<size_t>(length), body.size());
  EXPECT_EQ(Inflated(body), plain);
}

TEST_F(HandlerTest, PassesTheNamesOfTheFilterOn) {
  Begin(Get("/metrics", "name[]=a_total&name%5B%5D=b&other=c"));
  EXPECT_THAT(gatherer_->requests().back().names, ElementsAre("a_total", "b"));
  Begin(Get());
  EXPECT_THAT(gatherer_->requests().back().names, IsEmpty());
}

TEST_F(HandlerTest, TheDeadlineIsTheConfiguredTimeout) { EXPECT_EQ(DeadlineOf(Get()), 10s); }

TEST_F(HandlerTest, TheHostCanAskForAnotherTimeout) {
  ScrapeRequest request = Get();
  request.timeout = 3s;
  EXPECT_EQ(DeadlineOf(request), 3s);
}

TEST_F(HandlerTest, TheScraperShortensTheDeadlineLessAMargin) {
  const char* const header = "X-Prometheus-Scrape-Timeout-Seconds";
  EXPECT_EQ(DeadlineOf(With(header, "1")), 900ms);
  EXPECT_EQ(DeadlineOf(With("x-prometheus-scrape-timeout-seconds", " 8 ")), 7500ms);
  EXPECT_EQ(DeadlineOf(With(header, "10")), 9500ms);
  EXPECT_EQ(DeadlineOf(With(header, "60")), 10s);
  EXPECT_EQ(DeadlineOf(With(header, "1e300")), 10s);
}

TEST_F(HandlerTest, ATimeoutThatIsNoneIsIgnored) {
  for (const char* value : {"", "0", "-1", "abc", "1s", "nan", "inf", "1,5", "0x10", "1e999"}) {
    EXPECT_EQ(DeadlineOf(With("X-Prometheus-Scrape-Timeout-Seconds", value)), 10s) << value;
  }
}

TEST_F(HandlerTest, OverTheLimitInFlightItAsksToComeBack) {
  config_.max_requests_in_flight = 2;
  Configure();
  auto first = Begin(Get());
  auto second = Begin(Get());
  const auto third = Begin(Get());
  EXPECT_EQ(StatusOf(*third), 503);
  EXPECT_THAT(Headers(*third), HasSubstr("Retry-After: 1\n"));
  EXPECT_THAT(Body(*third), Not(IsEmpty()));
  EXPECT_EQ(self_.counts().scrapes_refused.load(), 1u);
  EXPECT_THAT(SelfText(), HasSubstr("promplug_scrapes_in_flight 2\n"));

  second.reset();
  EXPECT_EQ(StatusOf(*Begin(Get())), 200);
  first.reset();
  EXPECT_THAT(SelfText(), HasSubstr("promplug_scrapes_in_flight 0\n"));
}

TEST_F(HandlerTest, AnUpdateHoldsForWhatBeginsAfterIt) {
  config_.path = "/other";
  Configure();
  EXPECT_EQ(Begin(Get()), nullptr);
  EXPECT_NE(Begin(Get("/other")), nullptr);
}

TEST_F(HandlerTest, ReportsEachAnswerOnceWithItsStatus) {
  Body(*Begin(Get()));
  Body(*Begin(Get()));
  ScrapeRequest post = Get();
  post.method = "POST";
  Begin(post);
  Begin(Get());
  EXPECT_EQ(self_.counts().scrapes.load(), 4u);
  EXPECT_THAT(SelfText(), AllOf(HasSubstr("\"200\"} 2\n"), HasSubstr("\"405\"} 1\n"),
                                HasSubstr("\"499\"} 1\n")));
}

TEST_F(HandlerTest, AHeldBodyIsAWholeAnswerOnceItsLengthIsRead) {
  ScrapeRequest request = Get();
  request.need_length = true;
  auto scrape = Begin(request);
  std::string_view piece;
  ASSERT_EQ(scrape->Read(&piece), Progress::kOk);
  EXPECT_EQ(static_cast<int64_t>(piece.size()), LengthOf(*scrape));
  scrape.reset();
  EXPECT_THAT(SelfText(), HasSubstr("\"200\"} 1\n"));
}

TEST_F(HandlerTest, TheTimeReportedIsThatOfTheMakingNotOfASlowClient) {
  gatherer_->Hold();
  const auto scrape = Begin(Get());
  clock_.Advance(2s);
  gatherer_->Finish();
  EXPECT_EQ(StatusOf(*scrape), 200);
  clock_.Advance(100s);
  Body(*scrape);
  EXPECT_THAT(SelfText(), HasSubstr("promplug_scrape_duration_seconds_sum 2\n"));
}

TEST_F(HandlerTest, ACallFollowsEachWaitOnce) {
  gatherer_->Hold();
  const auto scrape = Begin(Get());
  const ResponseHead* head = nullptr;
  std::string_view piece;
  EXPECT_EQ(scrape->Head(&head), Progress::kAgain);
  EXPECT_EQ(scrape->Read(&piece), Progress::kAgain);
  EXPECT_EQ(calls_, 0);
  gatherer_->Finish();
  EXPECT_EQ(calls_, 1);
  EXPECT_EQ(Body(*scrape), test::kSmallText);
  EXPECT_EQ(calls_, 1);
}

TEST_F(HandlerTest, WhoNeverWaitedIsNotCalled) {
  gatherer_->Hold();
  const auto scrape = Begin(Get());
  gatherer_->Finish();
  EXPECT_EQ(StatusOf(*scrape), 200);
  EXPECT_EQ(calls_, 0);
}

TEST_F(HandlerTest, ACancelledScrapeIsNeverCalled) {
  gatherer_->Hold();
  auto scrape = Begin(Get());
  EXPECT_EQ(StatusOf(*scrape), 0);
  scrape.reset();
  gatherer_->Finish();
  EXPECT_EQ(calls_, 0);
  EXPECT_THAT(SelfText(), HasSubstr("promplug_scrapes_in_flight 0\n"));
}

TEST_F(HandlerTest, WaitReturnsWhenTheHeadIsThere) {
  gatherer_->Hold();
  const auto scrape = Begin(Get());
  std::thread other([this] { gatherer_->Finish(); });
  scrape->Wait();
  EXPECT_EQ(StatusOf(*scrape), 200);
  other.join();
}

TEST_F(HandlerTest, AScrapeMayOutliveTheHandler) {
  const auto scrape = Begin(Get());
  handler_.reset();
  EXPECT_EQ(Body(*scrape), test::kSmallText);
}

// Fails like memory that has run out, after some pieces.
class FailingSource final : public PointSource {
 public:
  explicit FailingSource(size_t good) : left_(good) {}
  size_t Next(Point* out, size_t) override {
    if (left_ == 0) throw std::bad_alloc();
    --left_;
    *out = Point();
    return 1;
  }

 private:
  size_t left_;
};

std::unique_ptr<FakeGatherer> FailingAfter(size_t points) {
  return std::make_unique<FakeGatherer>([points] {
    Gathering gathering;
    testing::AddFamily(&gathering, MetricType::kGauge, "g", "G.",
                       std::make_unique<FailingSource>(points));
    return gathering;
  });
}

TEST_F(HandlerTest, AFailureInTheMiddleIsNotAnEnd) {
  Use(FailingAfter(100'000));
  const auto scrape = Begin(Get());
  EXPECT_EQ(StatusOf(*scrape), 200);
  std::string_view piece;
  ASSERT_EQ(scrape->Read(&piece), Progress::kOk);
  Progress progress;
  while ((progress = scrape->Read(&piece)) == Progress::kOk) continue;
  EXPECT_EQ(progress, Progress::kFailed);
  EXPECT_EQ(scrape->Read(&piece), Progress::kFailed);
  EXPECT_THAT(SelfText(), HasSubstr("\"500\"} 1\n"));
}

TEST_F(HandlerTest, AFailureBeforeTheHeadIsAnErrorStatus) {
  Use(FailingAfter(100));
  ScrapeRequest request = Get();
  request.need_length = true;
  const auto scrape = Begin(request);
  EXPECT_EQ(StatusOf(*scrape), 500);
  EXPECT_EQ(static_cast<size_t>(LengthOf(*scrape)), Body(*scrape).size());
}

TEST_F(HandlerTest, ConcurrentScrapesKeepTheirCountRight) {
  config_.max_requests_in_flight = 4;
  Configure();
  std::atomic<int> ok{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto scrape = handler_->Begin(Get(), nullptr);
        if (StatusOf(*scrape) == 200 && Body(*scrape) == test::kSmallText) ++ok;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ok, 800);
  EXPECT_THAT(SelfText(), HasSubstr("promplug_scrapes_in_flight 0\n"));
}

}  // namespace
}  // namespace promplug
