// SPDX-License-Identifier: MIT
#include "serve/listener.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <mutex>
#include <thread>

#include "serve/connection.hpp"
#include "serve/handler.hpp"
#include "support/fake_gatherer.hpp"
#include "support/loopback_client.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using namespace std::chrono_literals;
using test::FakeGatherer;
using test::kPlainScrape;
using test::kSmallText;
using test::LoopbackClient;
using test::ScrapeOnce;
using test::WireAnswer;
using ::testing::AllOf;
using ::testing::HasSubstr;

// A listening socket on a free port of the loopback.
class ListeningSocket {
 public:
  ListeningSocket() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = test::LoopbackAddress(0);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(fd_, 16), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ListeningSocket() { Close(); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  int fd() const { return fd_; }
  int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

// With `Time`: a clock that the test moves, or the real one.
template <typename Time>
class ListenerFixture : public ::testing::Test {
 protected:
  void Start() {
    ASSERT_TRUE(listener_.Start({"127.0.0.1:0", -1, 30s}).ok());
    ASSERT_GT(listener_.port(), 0);
  }
  int port() const { return listener_.port(); }
  // Returns when the loop has gone on with everything it had.
  void Settle() { EXPECT_EQ(ScrapeOnce(port(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n").status, 404); }
  // Makes the loop look at the clock.
  void Nudge() { LoopbackClient client(port()); }
  std::string LogText() {
    std::lock_guard lock(log_mutex_);
    return log_text_;
  }

  FakeGatherer gatherer_;
  Time clock_;
  std::mutex log_mutex_;
  std::string log_text_;
  Log log_{[this](LogLevel, std::string_view line) {
    std::lock_guard lock(log_mutex_);
    log_text_.append(line).append("\n");
  }};
  ScrapeConfig config_;
  std::unique_ptr<MetricsHandler> handler_ =
      NewScrapeHandler(gatherer_, nullptr, clock_, std::make_shared<const ScrapeConfig>(config_));
  Listener listener_{*handler_, clock_, log_};
};

class RealTime final : public Clock {
 public:
  TimePoint Now() const override { return Clock::Real().Now(); }
  int64_t UnixMillis() const override { return Clock::Real().UnixMillis(); }
  void WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& condition,
                 TimePoint deadline) const override {
    Clock::Real().WaitUntil(lock, condition, deadline);
  }
};

using ListenerTest = ListenerFixture<RealTime>;
using ListenerClockTest = ListenerFixture<test::ManualClock>;

TEST_F(ListenerTest, AnswersAScrapeInChunks) {
  Start();
  const WireAnswer answer = ScrapeOnce(port());
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.whole);
  EXPECT_EQ(answer.body, kSmallText);
  EXPECT_TRUE(answer.Says("Transfer-Encoding: chunked\r\n"));
  EXPECT_TRUE(answer.Says("Date: "));
  EXPECT_THAT(LogText(), HasSubstr("listening on 127.0.0.1:" + std::to_string(port())));
}

TEST_F(ListenerTest, KeepsTheConnection) {
  Start();
  LoopbackClient client(port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.Send(kPlainScrape));
    EXPECT_EQ(client.Receive().body, kSmallText);
  }
}

TEST_F(ListenerTest, ClosesAfterTheAnswerWhereTheClientAsksForIt) {
  Start();
  LoopbackClient client(port());
  client.Send("GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const WireAnswer answer = client.Receive();
  EXPECT_TRUE(answer.whole);
  EXPECT_TRUE(answer.Says("Connection: close\r\n"));
  EXPECT_TRUE(client.Closed());
  EXPECT_FALSE(client.reset());
}

TEST_F(ListenerTest, AnOldClientGetsALengthAndTheEndOfTheConnection) {
  Start();
  LoopbackClient client(port());
  client.Send("GET /metrics HTTP/1.0\r\n\r\n");
  const WireAnswer answer = client.Receive();
  EXPECT_TRUE(answer.Says("Content-Length: " + std::to_string(kSmallText.size())));
  EXPECT_TRUE(answer.Says("Connection: close\r\n"));
  EXPECT_EQ(answer.body, kSmallText);
  EXPECT_TRUE(client.Closed());
}

TEST_F(ListenerTest, HeadHasNoBody) {
  Start();
  LoopbackClient client(port());
  client.Send("HEAD /metrics HTTP/1.1\r\nHost: h\r\n\r\nHEAD /x HTTP/1.1\r\nHost: h\r\n\r\n" +
              std::string(kPlainScrape));
  EXPECT_EQ(client.Receive(true).status, 200);
  EXPECT_EQ(client.Receive(true).status, 404);
  EXPECT_EQ(client.Receive().body, kSmallText);
}

TEST_F(ListenerTest, HeadOfAnOldClientSaysNothingOfChunks) {
  Start();
  LoopbackClient client(port());
  client.Send("HEAD /metrics HTTP/1.0\r\n\r\n");
  const WireAnswer answer = client.Receive(true);
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(answer.Says("Transfer-Encoding"));
  EXPECT_TRUE(client.Closed());
}

TEST_F(ListenerTest, AnswersOtherPathsWith404AndOtherMethodsWith405) {
  Start();
  LoopbackClient client(port());
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\nDELETE /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.Receive().status, 404);
  const WireAnswer answer = client.Receive();
  EXPECT_EQ(answer.status, 405);
  EXPECT_TRUE(answer.Says("Allow: GET, HEAD"));
}

TEST_F(ListenerTest, RefusesAGetWithABody) {
  Start();
  LoopbackClient client(port());
  client.Send("GET /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx");
  EXPECT_EQ(client.Receive().status, 413);
}

TEST_F(ListenerTest, RefusesABodyInAWayThatTheClientCanRead) {
  Start();
  LoopbackClient client(port());
  client.Send("POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n" +
              std::string(100'000, 'x'));
  const WireAnswer answer = client.Receive();
  EXPECT_EQ(answer.status, 405);
  EXPECT_TRUE(answer.whole);
  client.EndSending();
  EXPECT_TRUE(client.Closed());
}

TEST_F(ListenerTest, AStuckCollectorHoldsUpNobodyElse) {
  Start();
  gatherer_.Hold();
  LoopbackClient stuck(port());
  stuck.Send(kPlainScrape);
  ASSERT_TRUE(gatherer_.WaitForRuns(1));
  EXPECT_EQ(ScrapeOnce(port(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n").status, 404);
  gatherer_.Finish();
  EXPECT_EQ(ScrapeOnce(port()).body, kSmallText);
  EXPECT_EQ(stuck.Receive().body, kSmallText);
}

TEST_F(ListenerTest, OverTheLimitInFlightItAnswers503) {
  config_.max_requests_in_flight = 1;
  handler_->UpdateConfig(std::make_shared<const ScrapeConfig>(config_));
  Start();
  gatherer_.Hold();
  LoopbackClient waiting(port());
  waiting.Send(kPlainScrape);
  ASSERT_TRUE(gatherer_.WaitForRuns(1));
  const WireAnswer answer = ScrapeOnce(port());
  EXPECT_EQ(answer.status, 503);
  EXPECT_TRUE(answer.Says("Retry-After: 1"));
  gatherer_.Finish();
  EXPECT_EQ(waiting.Receive().status, 200);
}

TEST_F(ListenerTest, ABadAddressStartsNothing) {
  const Status status = listener_.Start({"example.org:80", -1, 30s});
  EXPECT_EQ(status.code(), Code::kInvalid);
  EXPECT_FALSE(listener_.running());
  EXPECT_EQ(port(), 0);
}

TEST_F(ListenerTest, ABusyPortIsNamedAndTakenWhenItIsFree) {
  ListeningSocket other;
  const std::string address = "127.0.0.1:" + std::to_string(other.port());
  const Status status = listener_.Start({address, -1, 30s});
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(status.text(), AllOf(HasSubstr(address), HasSubstr("in use")));
  EXPECT_TRUE(listener_.running());
  EXPECT_EQ(port(), 0);

  other.Close();
  const TimePoint deadline = Clock::Real().Now() + 10s;
  while (port() == 0 && Clock::Real().Now() < deadline) std::this_thread::yield();
  EXPECT_EQ(port(), other.port());
  EXPECT_EQ(ScrapeOnce(other.port()).body, kSmallText);
  EXPECT_THAT(LogText(), HasSubstr("listening on " + address));
}

TEST_F(ListenerTest, ListensOnASocketOfTheHostAndLeavesItAlive) {
  ListeningSocket host;
  ASSERT_TRUE(listener_.Start({"", host.fd(), 30s}).ok());
  EXPECT_EQ(port(), host.port());
  EXPECT_EQ(ScrapeOnce(port()).body, kSmallText);
  listener_.Stop();
  // Still in the host's hands: connecting works, though nobody accepts.
  EXPECT_TRUE(LoopbackClient(host.port()).connected());
}

TEST_F(ListenerTest, WhatIsNoListeningSocketIsRefused) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(listener_.Start({"", fd, 30s}).code(), Code::kInvalid);
  EXPECT_FALSE(listener_.running());
  close(fd);
  EXPECT_EQ(listener_.Start({"", 1'000'000, 30s}).code(), Code::kInvalid);
}

TEST_F(ListenerTest, StopsAndStartsAgainOnTheSamePort) {
  Start();
  const int used = port();
  LoopbackClient client(used);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(ScrapeOnce(used).body, kSmallText);
    listener_.Stop();
    EXPECT_FALSE(listener_.running());
    EXPECT_FALSE(LoopbackClient(used).connected());
    ASSERT_TRUE(listener_.Start({"127.0.0.1:" + std::to_string(used), -1, 30s}).ok());
  }
  EXPECT_TRUE(client.Closed());
}

TEST_F(ListenerTest, StopAbortsAnAnswerUnderWay) {
  Start();
  gatherer_.Hold();
  LoopbackClient client(port());
  client.Send(kPlainScrape);
  ASSERT_TRUE(gatherer_.WaitForRuns(1));
  listener_.Stop();
  EXPECT_TRUE(client.Closed());
  EXPECT_TRUE(client.reset());
  gatherer_.Finish();
}

TEST_F(ListenerTest, AParkedListenerAnswersWhenItIsUnparked) {
  Start();
  ASSERT_TRUE(listener_.Park().ok());
  LoopbackClient client(port());
  ASSERT_TRUE(client.Send(kPlainScrape));
  EXPECT_TRUE(gatherer_.requests().empty());
  listener_.Unpark();
  EXPECT_EQ(client.Receive().body, kSmallText);
}

TEST_F(ListenerTest, AParkedListenerCanBeStopped) {
  Start();
  ASSERT_TRUE(listener_.Park().ok());
  listener_.Stop();
  EXPECT_FALSE(listener_.running());
}

// What a child of fork() does, with its verdict as the exit status.
int StatusOfChild(const std::function<bool()>& body) {
  const pid_t pid = fork();
  if (pid == 0) _exit(body() ? 0 : 1);
  int status = -1;
  waitpid(pid, &status, 0);
  return status;
}

TEST_F(ListenerTest, AChildThatAbandonsItLeavesTheParentsServing) {
  Start();
  LoopbackClient kept(port());
  kept.Send(kPlainScrape);
  EXPECT_EQ(kept.Receive().body, kSmallText);
  ASSERT_TRUE(listener_.Park().ok());
  EXPECT_EQ(StatusOfChild([&] {
              listener_.AbandonAfterFork();
              return !listener_.running() && listener_.port() == 0;
            }),
            0);
  listener_.Unpark();
  kept.Send(kPlainScrape);
  EXPECT_EQ(kept.Receive().body, kSmallText);
  EXPECT_EQ(ScrapeOnce(port()).body, kSmallText);
}

TEST_F(ListenerTest, AChildThatDoesNothingKeepsNeitherPortNorConnection) {
  Start();
  const int used = port();
  LoopbackClient client(used);
  client.Send(kPlainScrape);
  EXPECT_EQ(client.Receive().body, kSmallText);
  int hold[2];
  ASSERT_EQ(pipe(hold), 0);
  const pid_t pid = fork();
  if (pid == 0) {
    close(hold[1]);
    char byte;
    (void)!read(hold[0], &byte, 1);
    _exit(0);
  }
  close(hold[0]);
  listener_.Stop();
  EXPECT_TRUE(client.Closed());
  EXPECT_FALSE(LoopbackClient(used).connected());
  EXPECT_TRUE(listener_.Start({"127.0.0.1:" + std::to_string(used), -1, 30s}).ok());
  close(hold[1]);
  waitpid(pid, nullptr, 0);
}

TEST_F(ListenerClockTest, ARequestThatDoesNotComeInTimeIsAnswered408) {
  Start();
  LoopbackClient client(port());
  client.Send("GET /metrics HT");
  Settle();
  clock_.Advance(Connection::kHeadTimeout);
  Nudge();
  EXPECT_EQ(client.Receive().status, 408);
  clock_.Advance(Connection::kDrainTimeout);
  Nudge();
  EXPECT_TRUE(client.Closed());
}

TEST_F(ListenerClockTest, DrippingDoesNotMoveTheDeadline) {
  Start();
  LoopbackClient client(port());
  for (int i = 0; i < 4; ++i) {
    client.Send("X");
    Settle();
    clock_.Advance(Connection::kHeadTimeout / 4);
  }
  Nudge();
  EXPECT_EQ(client.Receive().status, 408);
}

TEST_F(ListenerClockTest, AnIdleConnectionIsKeptForAWhileAndThenClosed) {
  Start();
  LoopbackClient client(port());
  client.Send(kPlainScrape);
  EXPECT_EQ(client.Receive().status, 200);
  Settle();
  clock_.Advance(Connection::kIdleTimeout - 1s);
  client.Send(kPlainScrape);
  EXPECT_EQ(client.Receive().status, 200);
  Settle();
  clock_.Advance(Connection::kIdleTimeout);
  Nudge();
  EXPECT_TRUE(client.Closed());
}

TEST_F(ListenerClockTest, AnAnswerThatTakesTooLongIsAborted) {
  Start();
  gatherer_.Hold();
  LoopbackClient client(port());
  client.Send(kPlainScrape);
  ASSERT_TRUE(gatherer_.WaitForRuns(1));
  Settle();
  clock_.Advance(30s);
  Nudge();
  EXPECT_TRUE(client.Closed());
  EXPECT_TRUE(client.reset());
  gatherer_.Finish();
}

// A handler whose answers go as the test says.
class ScriptedHandler final : public ScrapeHandler {
 public:
  std::vector<std::string> pieces;
  int64_t length = -1;
  bool fails = false;

  std::unique_ptr<Scrape> Begin(const ScrapeRequest&, std::function<void()> ready) override {
    return std::make_unique<Scripted>(*this, std::move(ready));
  }

 private:
  class Scripted final : public Scrape {
   public:
    Scripted(const ScriptedHandler& script, std::function<void()> ready)
        : script_(script), ready_(std::move(ready)) {
      head_.content_length = script.length;
    }
    Progress Head(const ResponseHead** head) override {
      *head = &head_;
      return Progress::kOk;
    }
    // Every piece comes at the second attempt.
    Progress Read(std::string_view* piece) override {
      again_ = !again_;
      if (again_) {
        ready_();
        return Progress::kAgain;
      }
      if (at_ == script_.pieces.size()) return script_.fails ? Progress::kFailed : Progress::kEnd;
      *piece = script_.pieces[at_++];
      return Progress::kOk;
    }
    void Wait() override {}

   private:
    const ScriptedHandler& script_;
    const std::function<void()> ready_;
    ResponseHead head_;
    size_t at_ = 0;
    bool again_ = false;
  };
};

class ScriptedListenerTest : public ::testing::Test {
 protected:
  WireAnswer Scrape() {
    EXPECT_TRUE(listener_.Start({"127.0.0.1:0", -1, 30s}).ok());
    LoopbackClient client(listener_.port());
    client.Send("GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const WireAnswer answer = client.Receive();
    EXPECT_TRUE(client.Closed());
    return answer;
  }

  ScriptedHandler handler_;
  Log log_{[](LogLevel, std::string_view) {}};
  Listener listener_{handler_, Clock::Real(), log_};
};

TEST_F(ScriptedListenerTest, WaitsForPiecesThatAreNotThereYet) {
  handler_.pieces = {"one", "two", "three"};
  const WireAnswer answer = Scrape();
  EXPECT_EQ(answer.body, "onetwothree");
  EXPECT_TRUE(answer.whole);
}

TEST_F(ScriptedListenerTest, AFailureNeverLooksLikeTheEndOfTheBody) {
  handler_.pieces = {"one", "two"};
  handler_.fails = true;
  EXPECT_FALSE(Scrape().whole);
}

TEST_F(ScriptedListenerTest, ABodyOfAnotherLengthThanAnnouncedIsAborted) {
  handler_.pieces = {"one"};
  handler_.length = 4;
  EXPECT_FALSE(Scrape().whole);
}

TEST_F(ScriptedListenerTest, AnEmptyBodyIsWhole) {
  const WireAnswer answer = Scrape();
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.whole);
}

}  // namespace
}  // namespace promplug
