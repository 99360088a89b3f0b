// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "compress/compressor.hpp"
#include "config/config.hpp"
#include "gather/gatherer.hpp"
#include "http/http_client.hpp"
#include "metrics/self_metrics.hpp"
#include "push/backoff.hpp"
#include "push/delivery.hpp"
#include "push/gateway.hpp"
#include "push/interruption.hpp"

namespace promplug::test {

// A clock for one thread: waiting takes no time and moves it.
class SkippingClock final : public Clock {
 public:
  TimePoint Now() const override { return now_; }
  int64_t UnixMillis() const override { return 0; }
  void WaitUntil(std::unique_lock<std::mutex>&, std::condition_variable&,
                 TimePoint deadline) const override {
    now_ = std::max(now_, deadline);
  }
  void Advance(Duration by) { now_ += by; }

 private:
  mutable TimePoint now_{std::chrono::hours(1)};
};

// The lines of a log, each with its level before it: "warning text". Thread-safe.
class LogLines {
 public:
  Log::Sink Sink() {
    return [this](LogLevel level, std::string_view text) {
      const char* name = level >= LogLevel::kError  ? "error "
                         : level >= LogLevel::kWarn ? "warning "
                                                    : "info ";
      std::lock_guard lock(mutex_);
      lines_.push_back(name + std::string(text));
    };
  }
  std::vector<std::string> Take() {
    std::lock_guard lock(mutex_);
    return std::exchange(lines_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

inline std::string Gunzip(std::string_view bytes) {
  std::string out;
  size_t consumed = 0;
  const auto decompressor = NewGzipDecompressor();
  while (!bytes.empty() && decompressor->Write(bytes, 1 << 20, &consumed, &out).ok()) {
    bytes.remove_prefix(consumed);
    if (consumed == 0) break;
  }
  return decompressor->AtEnd() ? out : "<not gzip>";
}

struct SeenRequest {
  std::string method;
  std::string url;
  std::string body;  // without gzip
  StringPairs headers;
  Duration timeout{};
};

// What a scripted exchange does: gives a response, a failure, or blocks until it is interrupted.
struct Exchange {
  Status failure;
  HttpResponse response;
  bool block = false;
};

inline Exchange Answer(int status, std::string text = std::string()) {
  Exchange exchange;
  exchange.response.status = status;
  exchange.response.text = std::move(text);
  return exchange;
}
inline Exchange Fail(Code code, std::string text = "as scripted") {
  Exchange exchange;
  exchange.failure = Status(code, std::move(text));
  return exchange;
}
inline Exchange Block() {
  Exchange exchange;
  exchange.block = true;
  return exchange;
}

// What the clients of one test share: a script, 200 once it is used up, and what was asked.
class Wire {
 public:
  void Script(Exchange exchange) {
    std::lock_guard lock(mutex_);
    script_.push_back(std::move(exchange));
  }
  // What every GET gets; it is no part of the script.
  void SetGet(Exchange exchange) {
    std::lock_guard lock(mutex_);
    get_ = std::move(exchange);
  }
  void SetDefault(Exchange exchange) {
    std::lock_guard lock(mutex_);
    default_ = std::move(exchange);
  }
  std::vector<SeenRequest> seen() const {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  // Whether n requests have begun within ten seconds.
  bool WaitForRequests(size_t n) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return seen_.size() >= n; });
  }
  int clients() const {
    std::lock_guard lock(mutex_);
    return clients_;
  }

 private:
  friend class ScriptedClient;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<Exchange> script_;
  Exchange default_ = Answer(200);
  Exchange get_ = Answer(404);
  std::vector<SeenRequest> seen_;
  int clients_ = 0;  // alive
};

class ScriptedClient final : public HttpClient {
 public:
  explicit ScriptedClient(Wire* wire) : wire_(*wire) {
    std::lock_guard lock(wire_.mutex_);
    ++wire_.clients_;
  }
  ~ScriptedClient() override {
    std::lock_guard lock(wire_.mutex_);
    --wire_.clients_;
  }

  Result<HttpResponse> Perform(const HttpRequest& request) override {
    std::unique_lock lock(wire_.mutex_);
    if (interrupted_) return Status(Code::kCancelled, "interrupted");
    Keep(request);
    Exchange exchange = request.method == "GET" ? wire_.get_ : wire_.default_;
    if (request.method != "GET" && !wire_.script_.empty()) {
      exchange = std::move(wire_.script_.front());
      wire_.script_.pop_front();
    }
    if (exchange.block) {
      wire_.changed_.wait(lock, [&] { return interrupted_; });
      return Status(Code::kCancelled, "interrupted");
    }
    if (!exchange.failure.ok()) return exchange.failure;
    if (exchange.response.status == 200 && request.sink) request.sink(exchange.response.text);
    return exchange.response;
  }
  void Interrupt() override { SetInterrupted(true); }
  void ClearInterrupt() override { SetInterrupted(false); }

 private:
  void Keep(const HttpRequest& request) {
    SeenRequest seen{request.method, request.url, {}, request.headers, request.timeout};
    if (request.body != nullptr) {
      request.body->Rewind();
      char piece[777];
      while (const size_t n = request.body->Read(piece, sizeof piece)) seen.body.append(piece, n);
      EXPECT_EQ(seen.body.size(), request.body->size());
    }
    for (const auto& [name, value] : request.headers) {
      if (name == "Content-Encoding" && value == "gzip") seen.body = Gunzip(seen.body);
    }
    wire_.seen_.push_back(std::move(seen));
    wire_.changed_.notify_all();
  }
  void SetInterrupted(bool interrupted) {
    std::lock_guard lock(wire_.mutex_);
    interrupted_ = interrupted;
    wire_.changed_.notify_all();
  }

  Wire& wire_;
  bool interrupted_ = false;  // guarded by wire_.mutex_
};

// Gives gauges with one point of value 1 each. A run is ready at once unless hold is set.
class FakeGatherer final : public Gatherer {
 public:
  std::vector<std::string> names = {"app_a", "app_b"};
  bool hold = false;

  std::unique_ptr<GatherRun> Start(GatherRequest request, std::function<void()> ready) override {
    std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    ready_ = std::move(ready);
    return std::make_unique<Run>(*this);
  }
  std::vector<GatherRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  // Lets a run that is held be ready.
  void Release() {
    std::lock_guard lock(mutex_);
    hold = false;
    if (ready_) ready_();
  }

 private:
  class OnePoint final : public PointSource {
   public:
    size_t Next(Point* out, size_t) override {
      if (done_) return 0;
      done_ = true;
      *out = Point();
      out->is_integer = true;
      out->integer = 1;
      return 1;
    }

   private:
    bool done_ = false;
  };

  class Run final : public GatherRun {
   public:
    explicit Run(FakeGatherer& gatherer) : gatherer_(gatherer) {}
    ~Run() override {
      std::lock_guard lock(gatherer_.mutex_);
      gatherer_.ready_ = nullptr;
    }
    bool Ready() const override {
      std::lock_guard lock(gatherer_.mutex_);
      return !gatherer_.hold;
    }
    void Wait() override { ADD_FAILURE() << "a push must be able to stop while it waits"; }
    Gathering Take() override {
      Gathering gathering;
      for (const std::string& name : gatherer_.names) {
        GatheredFamily family;
        family.head.type = MetricType::kGauge;
        family.head.name = name;
        family.parts.push_back(std::make_unique<OnePoint>());
        gathering.families.push_back(std::move(family));
      }
      return gathering;
    }

   private:
    FakeGatherer& gatherer_;
  };

  mutable std::mutex mutex_;
  std::vector<GatherRequest> requests_;
  std::function<void()> ready_;
};

inline Config PushConfig() {
  Config config;
  config.pushgateway.url = "http://gateway:9091";
  config.pushgateway.job = "photo-api";
  config.pushgateway.instance = "10.0.0.5";
  return config;
}

// A Pushgateway behind a script, for one thread.
struct PushBench {
  explicit PushBench(Config of = PushConfig()) : config(std::move(of)) {}

  Config config;
  SkippingClock clock;
  LogLines lines;
  Log log{lines.Sink()};
  SelfMetrics self{clock, "0"};
  Wire wire;
  ScriptedClient client{&wire};
  Gateway gateway{config.pushgateway, &client};
  Interruption interruption{clock};
  Jitter jitter{1};
  PushTools tools{config, clock, log, &self, gateway, interruption, jitter};

  PushBudget Budget(Duration timeout = std::chrono::seconds(10)) const {
    return {clock.Now() + timeout, timeout, true};
  }
};

}  // namespace promplug::test
