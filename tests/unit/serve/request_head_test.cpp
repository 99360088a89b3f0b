// SPDX-License-Identifier: MIT
#include "serve/request_head.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace promplug {
namespace {

// In a buffer of exactly that size, so that a sanitizer sees what is read beyond it.
HeadParse Parse(std::string_view text, RequestHead* head) {
  static std::unique_ptr<char[]> exact;
  exact = std::make_unique<char[]>(text.size());
  text.copy(exact.get(), text.size());
  return ParseRequestHead({exact.get(), text.size()}, 0, head);
}

int Refusal(std::string_view text) {
  RequestHead head;
  const HeadParse parse = Parse(text, &head);
  EXPECT_NE(parse.kind, HeadParse::Kind::kIncomplete) << text;
  return parse.kind == HeadParse::Kind::kRefused ? parse.refusal : 0;
}

std::string Get(std::string_view headers) {
  return "GET / HTTP/1.1\r\n" + std::string(headers) + "\r\n";
}

TEST(ParseRequestHead, TakesWhatARealPrometheusSends) {
  for (const char* file : {"default", "bearer", "native-histograms"}) {
    std::ifstream in(std::string(PROMPLUG_TEST_DATA) + "/prometheus_request_" + file + ".txt");
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    RequestHead head;
    const HeadParse parse = Parse(text + "rest", &head);
    ASSERT_EQ(parse.kind, HeadParse::Kind::kWhole) << file;
    EXPECT_EQ(parse.size, text.size());
    EXPECT_EQ(head.method, "GET");
    EXPECT_EQ(head.path.substr(0, 4), "/hdr");
    EXPECT_TRUE(head.http11);
    EXPECT_TRUE(head.keep_alive);
    ASSERT_GE(head.headers.size(), 5u);
    EXPECT_EQ(head.headers[1].first, "User-Agent");
    EXPECT_EQ(head.headers[1].second, "Prometheus/2.42.0+ds");
  }
}

TEST(ParseRequestHead, SplitsTheTarget) {
  RequestHead head;
  Parse("GET /metrics?name[]=a?b HTTP/1.1\r\nHost: h\r\n\r\n", &head);
  EXPECT_EQ(head.path, "/metrics");
  EXPECT_EQ(head.query, "name[]=a?b");
  Parse("GET http://h:1/metrics?x HTTP/1.1\r\nHost: h\r\n\r\n", &head);
  EXPECT_EQ(head.path, "/metrics");
  EXPECT_EQ(head.query, "x");
  Parse("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", &head);
  EXPECT_EQ(head.path, "/");
  Parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", &head);
  EXPECT_EQ(head.path, "*");
}

TEST(ParseRequestHead, KnowsWhoWantsTheConnectionKept) {
  RequestHead head;
  Parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n", &head);
  EXPECT_FALSE(head.keep_alive);
  Parse("GET / HTTP/1.0\r\n\r\n", &head);
  EXPECT_FALSE(head.keep_alive);
  EXPECT_FALSE(head.http11);
}

TEST(ParseRequestHead, WaitsForEveryByteOfAHead) {
  const std::string text = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
  RequestHead head;
  for (size_t n = 0; n < text.size(); ++n) {
    EXPECT_EQ(Parse(std::string_view(text).substr(0, n), &head).kind, HeadParse::Kind::kIncomplete);
  }
  for (size_t searched = 0; searched < text.size(); ++searched) {
    EXPECT_EQ(ParseRequestHead(text, searched, &head).kind, HeadParse::Kind::kWhole) << searched;
  }
}

TEST(ParseRequestHead, WantsExactlyOneHost) {
  EXPECT_EQ(Refusal(Get("")), 400);
  EXPECT_EQ(Refusal(Get("Host: a\r\nHost: a\r\n")), 400);
  EXPECT_EQ(Refusal("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(Refusal(Get("Host: a\r\n")), 0);
}

TEST(ParseRequestHead, RefusesBodies) {
  EXPECT_EQ(Refusal(Get("Host: h\r\nContent-Length: 1\r\n")), 413);
  EXPECT_EQ(Refusal(Get("Host: h\r\nContent-Length: 9999999999999\r\n")), 413);
  EXPECT_EQ(Refusal(Get("Host: h\r\nContent-Length: 0\r\n")), 0);
  EXPECT_EQ(Refusal(Get("Host: h\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(Refusal(Get("Host: h\r\nTransfer-Encoding: identity\r\n")), 400);
}

TEST(ParseRequestHead, RefusesWhatTwoReadersCouldReadDifferently) {
  for (const char* headers :
       {"Host: h\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        "Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Host: h\r\nContent-Length: 0\r\nContent-Length: 0\r\n",
        "Host: h\r\nContent-Length: 0\r\nContent-Length: 7\r\n",
        "Host: h\r\nContent-Length: +0\r\n", "Host: h\r\nContent-Length: \r\n", "Host : h\r\n",
        "Host: h\r\n X: folded\r\n", "Host: h\r\nX: a\r\n b\r\n", "Host: h\nX: y\r\n",
        "Host: h\r\nX\r\n", "Host: h\r\n: x\r\n", "Host: h\r\nX: a\rb\r\n"}) {
    EXPECT_EQ(Refusal(Get(headers)), 400) << headers;
  }
  EXPECT_EQ(Refusal(Get(std::string_view("Host: h\r\nX: a\0b\r\n", 17))), 400);
}

TEST(ParseRequestHead, RefusesOtherVersionsAndOtherProtocols) {
  EXPECT_EQ(Refusal("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(Refusal("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), 505);
  EXPECT_NE(Refusal("GET /\r\n\r\n"), 0);
  EXPECT_NE(Refusal("GET  / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  EXPECT_EQ(Refusal("\x16\x03\x01\x02"), 400);
  EXPECT_EQ(Refusal("\r\n\r\n"), 400);
}

TEST(ParseRequestHead, LimitsTheHeadAndItsFields) {
  const std::string long_value = "Host: h\r\nX: " + std::string(kMaxHeadBytes, 'x') + "\r\n";
  EXPECT_EQ(Refusal(Get(long_value)), 431);
  EXPECT_EQ(Refusal("GET /" + std::string(kMaxHeadBytes, 'a')), 431);
  std::string fields = "Host: h\r\n";
  for (size_t i = 1; i < kMaxHeadFields; ++i) fields += "X: y\r\n";
  EXPECT_EQ(Refusal(Get(fields)), 0);
  EXPECT_EQ(Refusal(Get(fields + "X: y\r\n")), 431);
}

TEST(ParseRequestHead, TakesAHeadOfExactlyTheLimit) {
  const std::string frame = Get("Host: h\r\nX: \r\n");
  const std::string text =
      Get("Host: h\r\nX: " + std::string(kMaxHeadBytes - frame.size(), 'x') + "\r\n");
  ASSERT_EQ(text.size(), kMaxHeadBytes);
  EXPECT_EQ(Refusal(text), 0);
}

}  // namespace
}  // namespace promplug
