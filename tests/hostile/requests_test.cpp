// SPDX-License-Identifier: MIT
// Requests that no scraper sends.
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "hostile/served.hpp"

namespace promplug {
namespace {

using test::kPlainScrape;
using test::kSmallText;
using test::LoopbackClient;
using test::Served;
using test::WireAnswer;

class HostileRequests : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(served_.started.ok()); }

  // Sent on a connection of its own, which must be closed afterwards.
  WireAnswer Refused(const std::string& text) {
    LoopbackClient client(served_.port());
    client.Send(text);
    const WireAnswer answer = client.Receive();
    client.EndSending();
    EXPECT_TRUE(client.Closed());
    return answer;
  }

  Served served_;
};

TEST_F(HostileRequests, AHundredAtOnceAreAnsweredInOrder) {
  LoopbackClient client(served_.port());
  std::string requests;
  for (int i = 0; i < 100; ++i) {
    requests += i % 10 == 9 ? "GET /x HTTP/1.1\r\nHost: h\r\n\r\n" : std::string(kPlainScrape);
  }
  ASSERT_TRUE(client.Send(requests));
  for (int i = 0; i < 100; ++i) {
    const WireAnswer answer = client.Receive();
    EXPECT_EQ(answer.status, i % 10 == 9 ? 404 : 200) << i;
    EXPECT_TRUE(answer.whole) << i;
  }
}

TEST_F(HostileRequests, SmugglingIsRefused) {
  const std::string get = "GET /metrics HTTP/1.1\r\nHost: h\r\n";
  for (const char* framing :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 0\r\nContent-Length: 5\r\n", "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding: xchunked\r\n", "Content-Length: 0x0\r\n"}) {
    EXPECT_EQ(Refused(get + framing + "\r\n0\r\n\r\n" + std::string(kPlainScrape)).status, 400)
        << framing;
  }
}

TEST_F(HostileRequests, AHundredThousandHeadersAreTooMany) {
  std::string request = "GET /metrics HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100'000; ++i) request += "X: y\r\n";
  EXPECT_EQ(Refused(request + "\r\n").status, 431);
  EXPECT_TRUE(served_.Answers());
}

TEST_F(HostileRequests, ATlsHandshakeIsNotWaitedFor) {
  EXPECT_EQ(Refused("\x16\x03\x01\x02\x01\x01").status, 400);
}

TEST_F(HostileRequests, PathsThatOnlyLookAlikeAreNotFound) {
  for (const char* path : {"/metricsX", "/metrics/", "/metrics/../metrics", "/%6detrics",
                           "/../etc/passwd", "//metrics", "/metrics%00"}) {
    const WireAnswer answer = test::ScrapeOnce(
        served_.port(), "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(answer.status, 404) << path;
  }
}

TEST_F(HostileRequests, ARangeIsNotServedAsAPart) {
  const WireAnswer answer = test::ScrapeOnce(
      served_.port(), "GET /metrics HTTP/1.1\r\nHost: h\r\nRange: bytes=0-3\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, kSmallText);
}

TEST_F(HostileRequests, MutatedOnesLeaveItServing) {
  const std::string good =
      "GET /metrics?name[]=up HTTP/1.1\r\nHost: 127.0.0.1:9464\r\nUser-Agent: Prometheus/2.42.0\r\n"
      "Accept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\nAccept-Encoding: gzip\r\n"
      "X-Prometheus-Scrape-Timeout-Seconds: 1\r\n\r\n";
  std::mt19937 random(20240607);
  for (int i = 0; i < 2000; ++i) {
    std::string request = good;
    for (unsigned n = 1 + random() % 4; n > 0; --n) {
      const size_t at = random() % request.size();
      switch (random() % 4) {
        case 0:
          request[at] = static_cast<char>(random());
          break;
        case 1:
          request.erase(at, 1 + random() % 8);
          break;
        case 2:
          request.insert(at, 1 + random() % 8, static_cast<char>(random()));
          break;
        default:
          request.insert(at, request.substr(random() % request.size(), random() % 40));
      }
    }
    LoopbackClient client(served_.port());
    client.Send(request);
    client.EndSending();
    EXPECT_TRUE(client.Closed()) << request;
    if (i % 200 == 0) {
      EXPECT_TRUE(served_.Answers()) << i;
    }
  }
  EXPECT_TRUE(served_.Answers());
}

}  // namespace
}  // namespace promplug
