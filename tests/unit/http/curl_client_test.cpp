// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "http/http_client.hpp"
#include "support/fake_http_server.hpp"

namespace promplug {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::FakeAnswer;
using test::FakeFault;
using test::FakeHttpServer;
using test::FakeRequest;
using test::WithFault;
using ::testing::HasSubstr;
using ::testing::Not;

class TextBody final : public HttpBody {
 public:
  explicit TextBody(std::string text) : text_(std::move(text)) {}
  uint64_t size() const override { return text_.size(); }
  void Rewind() override {
    at_ = 0;
    ++rewinds;
  }
  size_t Read(char* to, size_t max) override {
    const size_t n = text_.copy(to, max, at_);
    at_ += n;
    return n;
  }
  int rewinds = 0;

 private:
  std::string text_;
  size_t at_ = 0;
};

class CurlClientTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<HttpClient>> made = NewCurlClient();
    ASSERT_TRUE(made.ok()) << made.status().text();
    client_ = std::move(made).value();
  }

  HttpRequest Request(const std::string& method, const std::string& path = "/") const {
    HttpRequest request;
    request.method = method;
    request.url = server_.url() + path;
    request.timeout = seconds(10);
    request.use_proxy = false;
    return request;
  }

  Result<HttpResponse> Get() { return client_->Perform(Request("GET")); }

  FakeHttpServer server_;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(CurlClientTest, ReportsStatusTypeAndText) {
  FakeAnswer answer;
  answer.status = 404;
  answer.body = "no such thing";
  answer.headers = {{"Content-Type", "text/plain; charset=utf-8"}};
  server_.Script(answer);
  const Result<HttpResponse> response = Get();
  ASSERT_TRUE(response.ok()) << response.status().text();
  EXPECT_EQ(response.value().status, 404);
  EXPECT_EQ(response.value().text, "no such thing");
  EXPECT_EQ(response.value().content_type, "text/plain; charset=utf-8");
  EXPECT_EQ(response.value().retry_after_seconds, -1);
}

TEST_F(CurlClientTest, SendsABodyOfKnownLengthWithEachMethod) {
  for (const char* method : {"PUT", "POST"}) {
    TextBody body("a 1\n");
    HttpRequest request = Request(method, "/metrics/job/a%20b/x/..");
    request.body = &body;
    request.headers = {{"Content-Type", "text/plain"}, {"X-Empty", ""}};
    ASSERT_TRUE(client_->Perform(request).ok());
    const FakeRequest seen = server_.requests().back();
    EXPECT_EQ(seen.method, method);
    EXPECT_EQ(seen.target, "/metrics/job/a%20b/x/..");
    EXPECT_EQ(seen.body, "a 1\n");
    EXPECT_EQ(seen.Header("Content-Length"), "4");
    EXPECT_EQ(seen.Header("Content-Type"), "text/plain");
    EXPECT_EQ(seen.Header("Expect"), "");
    EXPECT_EQ(seen.Header("Accept-Encoding"), "");
    EXPECT_EQ(seen.Header("Transfer-Encoding"), "");
  }
}

TEST_F(CurlClientTest, SendsALargeBodyWithoutExpectAndAnEmptyOneWithLengthZero) {
  TextBody large(std::string(3 << 20, 'x'));
  HttpRequest request = Request("PUT");
  request.body = &large;
  ASSERT_TRUE(client_->Perform(request).ok());
  EXPECT_EQ(server_.requests().back().body.size(), large.size());
  EXPECT_EQ(server_.requests().back().Header("Expect"), "");

  TextBody empty("");
  request.body = &empty;
  ASSERT_TRUE(client_->Perform(request).ok());
  EXPECT_EQ(server_.requests().back().Header("Content-Length"), "0");
}

TEST_F(CurlClientTest, DeletesWithoutABody) {
  ASSERT_TRUE(client_->Perform(Request("DELETE", "/metrics/job/j")).ok());
  EXPECT_EQ(server_.requests().back().method, "DELETE");
  EXPECT_EQ(server_.requests().back().Header("Content-Length"), "");
}

TEST_F(CurlClientTest, KeepsTheConnectionBetweenExchanges) {
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Get().ok());
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(CurlClientTest, SendsTheWholeBodyAgainWhenTheKeptConnectionIsDead) {
  ASSERT_TRUE(Get().ok());
  server_.Script(WithFault(FakeFault::kClose));
  TextBody body(std::string(200000, 'y'));
  HttpRequest request = Request("PUT");
  request.body = &body;
  const Result<HttpResponse> response = client_->Perform(request);
  ASSERT_TRUE(response.ok()) << response.status().text();
  ASSERT_EQ(server_.requests().size(), 3u);
  EXPECT_EQ(server_.requests()[2].body, std::string(200000, 'y'));
  EXPECT_NE(server_.requests()[2].connection, server_.requests()[1].connection);
  EXPECT_GE(body.rewinds, 2);
}

TEST_F(CurlClientTest, NeverFollowsARedirect) {
  for (const int status : {301, 302, 307, 308}) {
    server_.Script(test::Redirect(status, "/elsewhere"));
    TextBody body("a 1\n");
    HttpRequest request = Request("PUT");
    request.body = &body;
    const Result<HttpResponse> response = client_->Perform(request);
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response.value().status, status);
    EXPECT_EQ(response.value().location, "/elsewhere");
  }
  EXPECT_EQ(server_.requests().size(), 4u);
}

TEST_F(CurlClientTest, ReadsRetryAfterInSecondsOnly) {
  const auto check = [&](const char* header, int64_t expected) {
    SCOPED_TRACE(header);
    FakeAnswer answer;
    answer.status = 503;
    answer.headers = {{"Retry-After", header}};
    server_.Script(answer);
    const Result<HttpResponse> response = Get();
    ASSERT_TRUE(response.ok());
    EXPECT_EQ(response.value().retry_after_seconds, expected);
  };
  check("7", 7);
  check("0", 0);
  check("-1", -1);
  check("7s", -1);
  check("99999999999999", -1);
  check("Wed, 21 Oct 2015 07:28:00 GMT", -1);
}

TEST_F(CurlClientTest, ACutResponseIsAFailure) {
  for (const FakeFault fault : {FakeFault::kShortBody, FakeFault::kCutChunked, FakeFault::kClose}) {
    server_.Script(WithFault(fault, "a 1\n"));
    EXPECT_EQ(Get().status().code(), Code::kIo);
  }
}

TEST_F(CurlClientTest, ABodyForASinkMustHaveALength) {
  std::string taken;
  HttpRequest request = Request("GET");
  request.sink = [&taken](std::string_view bytes) {
    taken.append(bytes);
    return true;
  };
  FakeAnswer answer = WithFault(FakeFault::kNone, "a 1\n");
  answer.chunked = true;
  server_.Script(answer);
  ASSERT_TRUE(client_->Perform(request).ok());
  EXPECT_EQ(taken, "a 1\n");

  answer.chunked = false;
  answer.close_delimited = true;
  server_.Script(answer);
  const Status status = client_->Perform(request).status();
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(status.text(), HasSubstr("Content-Length"));
}

TEST_F(CurlClientTest, OnlyABodyOfStatus200GoesToTheSink) {
  FakeAnswer answer = WithFault(FakeFault::kNone, "busy");
  answer.status = 503;
  server_.Script(answer);
  HttpRequest request = Request("GET");
  request.sink = [](std::string_view) {
    ADD_FAILURE();
    return true;
  };
  const Result<HttpResponse> response = client_->Perform(request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response.value().text, "busy");
}

TEST_F(CurlClientTest, ASinkCanStopAnEndlessBody) {
  server_.Script(WithFault(FakeFault::kEndlessBody));
  uint64_t taken = 0;
  HttpRequest request = Request("GET");
  request.sink = [&taken](std::string_view bytes) { return (taken += bytes.size()) < 100000; };
  EXPECT_EQ(client_->Perform(request).status().code(), Code::kLimit);
  EXPECT_LT(taken, 1u << 20);
}

TEST_F(CurlClientTest, AThrowingSinkEndsTheExchange) {
  server_.Script(WithFault(FakeFault::kNone, "a 1\n"));
  HttpRequest request = Request("GET");
  request.sink = [](std::string_view) -> bool { throw std::bad_alloc(); };
  EXPECT_FALSE(client_->Perform(request).ok());
}

TEST_F(CurlClientTest, KeepsOnlyTheBeginningOfAText) {
  server_.Script(WithFault(FakeFault::kNone, std::string(200000, 'e')));
  const Result<HttpResponse> response = Get();
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response.value().text, std::string(1024, 'e'));
}

TEST_F(CurlClientTest, AnswersWithoutEndAreCutOff) {
  for (const FakeFault fault :
       {FakeFault::kEndlessBody, FakeFault::kEndlessContinue, FakeFault::kEndlessHeaders}) {
    server_.Script(WithFault(fault));
    const Status status = Get().status();
    EXPECT_EQ(status.code(), Code::kLimit) << status.text();
  }
}

TEST_F(CurlClientTest, TheTimeoutHoldsWhateverThePeerDoes) {
  for (const FakeFault fault : {FakeFault::kHold, FakeFault::kDrip}) {
    server_.Script(WithFault(fault, std::string(1000, 'd')));
    HttpRequest request = Request("GET");
    request.timeout = milliseconds(200);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(client_->Perform(request).status().code(), Code::kTimeout);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(5));
  }
}

TEST_F(CurlClientTest, AnInterruptEndsTheExchangeUnderWay) {
  server_.Script(WithFault(FakeFault::kHold));
  Status status;
  std::thread thread([&] { status = Get().status(); });
  ASSERT_TRUE(server_.WaitForRequests(1));
  client_->Interrupt();
  thread.join();
  EXPECT_EQ(status.code(), Code::kCancelled);
}

TEST_F(CurlClientTest, AnInterruptHoldsUntilItIsCleared) {
  client_->Interrupt();
  EXPECT_EQ(Get().status().code(), Code::kCancelled);
  EXPECT_EQ(Get().status().code(), Code::kCancelled);
  client_->ClearInterrupt();
  EXPECT_TRUE(Get().ok());
}

TEST_F(CurlClientTest, ARefusedConnectionIsNotFound) {
  HttpRequest request = Request("GET");
  {
    FakeHttpServer gone;
    request.url = gone.url();
  }
  EXPECT_EQ(client_->Perform(request).status().code(), Code::kNotFound);
}

TEST_F(CurlClientTest, CredentialsAreSentAndNeverTold) {
  HttpRequest request = Request("GET");
  const std::string port = std::to_string(server_.port());
  request.url = "http://me:qu%40ck@127.0.0.1:" + port + "/";
  ASSERT_TRUE(client_->Perform(request).ok());
  EXPECT_EQ(server_.requests().back().Header("Authorization"), "Basic bWU6cXVAY2s=");

  for (const char* url : {"http://me:qu%40ck@127.0.0.1:1/", "http://me:qu%40ck@bad host/",
                          "http://me:qu%40ck@[::bad/", "gopher://me:qu%40ck@127.0.0.1/"}) {
    SCOPED_TRACE(url);
    request.url = url;
    const Status status = client_->Perform(request).status();
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.text(), Not(HasSubstr("qu")));
  }
}

TEST_F(CurlClientTest, CredentialsOfOneRequestDoNotStickToTheNext) {
  HttpRequest request = Request("GET");
  request.url = "http://me:pw@127.0.0.1:" + std::to_string(server_.port()) + "/";
  ASSERT_TRUE(client_->Perform(request).ok());
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(server_.requests().back().Header("Authorization"), "");
}

TEST_F(CurlClientTest, RefusesWhatIsNotHttpAndHeadersThatBreakTheLine) {
  HttpRequest request = Request("GET");
  request.url = "file:///etc/hostname";
  EXPECT_EQ(client_->Perform(request).status().code(), Code::kInvalid);
  request = Request("GET");
  request.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_EQ(client_->Perform(request).status().code(), Code::kInvalid);
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(CurlClientTest, NothingOfAResponseReachesStdout) {
  server_.Script(WithFault(FakeFault::kNone, "must not be seen"));
  ::testing::internal::CaptureStdout();
  ASSERT_TRUE(Get().ok());
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

// Reads the proxy variables where asked to; set here before the only thread that reads them.
TEST_F(CurlClientTest, TheProxyOfTheEnvironmentIsUsedOnlyWhereAllowed) {
  FakeHttpServer proxy;
  ::setenv("http_proxy", proxy.url().c_str(), 1);
  HttpRequest request = Request("GET", "/direct");
  ASSERT_TRUE(client_->Perform(request).ok());
  EXPECT_EQ(proxy.requests().size(), 0u);
  request.use_proxy = true;
  ASSERT_TRUE(client_->Perform(request).ok());
  ::unsetenv("http_proxy");
  EXPECT_EQ(proxy.requests().size(), 1u);
  EXPECT_EQ(server_.requests().size(), 1u);
}

}  // namespace
}  // namespace promplug
