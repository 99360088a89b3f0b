// SPDX-License-Identifier: MIT
// Everything at once, and totals that are exact at the end.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "so_host.hpp"

namespace so_test {
namespace {

// Takes every push, one connection after the other.
class WillingGateway {
 public:
  WillingGateway() {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(fd_, 8), 0);
    socklen_t size = sizeof address;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] {
      for (int fd = accept(fd_, nullptr, nullptr); fd >= 0; fd = accept(fd_, nullptr, nullptr)) {
        Answer(fd);
        close(fd);
      }
    });
  }
  // After the host, so that nothing is pushed any more.
  ~WillingGateway() {
    shutdown(fd_, SHUT_RDWR);
    thread_.join();
    close(fd_);
  }
  const char* url() const { return url_.c_str(); }

 private:
  static void Answer(int fd) {
    std::string request;
    for (size_t wanted = SIZE_MAX; request.size() < wanted;) {
      char buffer[4096];
      const ssize_t n = recv(fd, buffer, sizeof buffer, 0);
      if (n <= 0) return;
      request.append(buffer, static_cast<size_t>(n));
      const size_t end = request.find("\r\n\r\n");
      const size_t length = request.find("Content-Length: ");
      if (end == std::string::npos) continue;
      wanted = end + 4;
      if (length < end) wanted += std::stoul(request.substr(length + 16));
    }
    constexpr std::string_view kAnswer =
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    (void)!send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }

  int fd_;
  std::string url_;
  std::thread thread_;
};

// Updates, creation, removal, expiry, scrapes of every format and pushes at the same time, for a
// number of rounds.
class Fire {
 public:
  static constexpr int kWriters = 3;
  static constexpr int kRounds = 1500;
  static constexpr int kKept = 20;
  static constexpr int kScrapes = 60;
  static constexpr int kPushes = 10;

  Fire()
      : host_({{S("limits.series_expiry_seconds"), S("2")},
               {S("pushgateway.url"), S(gateway_.url())},
               {S("pushgateway.instance"), S("i")},
               {S("forward"), S("[]")}}) {
    host_.Start();
    kept_ = host_.Family(PROMPLUG_COUNTER, "kept_total", {S("id")});
    observed_ = host_.Family(PROMPLUG_HISTOGRAM, "observed", {S("id")});
    churned_ = host_.Family(PROMPLUG_COUNTER, "churned_total", {S("id")});
    for (int i = 0; i < kKept; ++i) {
      ids_.push_back(std::to_string(i));
      handles_.push_back(host_.Metric(kept_, {S(ids_.back().c_str())}));
    }
  }

  void Run() {
    std::vector<std::thread> threads;
    for (int t = 0; t < kWriters; ++t) threads.emplace_back([this, t] { Write(t); });
    for (const char* format : {"text/plain;version=0.0.4", "application/openmetrics-text",
                               "application/vnd.google.protobuf;"
                               "proto=io.prometheus.client.MetricFamily;encoding=delimited"}) {
      threads.emplace_back([this, format] { Scrape(format); });
    }
    threads.emplace_back([this] {
      promplug_error err = {};
      for (int i = 0; i < kPushes; ++i) {
        const int32_t pushed = Api()->push_now(host_.p, PROMPLUG_PUSH_APPLICATION, 20000, &err);
        Check(pushed);
      }
      ended_.fetch_add(1);
    });
    while (ended_.load() < kWriters + 1) poll(nullptr, 0, 5);
    TurnExpiryOff();
    expiry_off_.store(true);
    for (std::thread& thread : threads) thread.join();
  }

  Host& host() { return host_; }
  int failures() const { return failures_.load(); }
  uint64_t observations() const { return uint64_t{kWriters} * kRounds + further_observations_; }

 private:
  void Write(int t) {
    for (int round = 0; round < kRounds; ++round) {
      const promplug_str id = S(ids_[round % kKept].c_str());
      Check(Api()->update(observed_, &id, 1, PROMPLUG_OP_OBSERVE, 0.1, Exemplar(id)));
      Api()->counter_inc(handles_[round % kKept]);
      Check(Api()->update(kept_, &id, 1, PROMPLUG_OP_ADD, 1,
                          round % 7 == 0 ? Exemplar(id) : nullptr));
      Churn(t, round);
    }
    ended_.fetch_add(1);
    // What is kept must stay in use until nothing expires any more.
    while (!expiry_off_.load()) {
      for (int i = 0; i < kKept; ++i) {
        const promplug_str id = S(ids_[i].c_str());
        Api()->counter_add(handles_[i], 0);
        Check(Api()->update(observed_, &id, 1, PROMPLUG_OP_OBSERVE, 0.1, nullptr));
        further_observations_.fetch_add(1);
      }
      std::this_thread::yield();
    }
  }

  void Churn(int t, int round) {
    const std::string text = std::to_string((t * kRounds + round) % 97);
    const promplug_str id = S(text.c_str());
    promplug_metric* metric = nullptr;
    Check(Api()->metric(churned_, &id, 1, &metric, nullptr));
    Api()->counter_inc(metric);
    if (round % 3 == 0) Check(Api()->metric_remove(metric));
    Api()->counter_inc(metric);
    Api()->metric_release(metric);
    const promplug_kv match = {S("id"), id};
    if (round % 50 == 0) Check(Api()->remove_matching(churned_, &match, 1, nullptr));
  }

  // Of this thread alone.
  static const promplug_exemplar* Exemplar(promplug_str id) {
    thread_local promplug_kv label;
    thread_local promplug_exemplar exemplar;
    label = {S("trace_id"), id};
    exemplar = {};
    exemplar.struct_size = sizeof exemplar;
    exemplar.labels = &label;
    exemplar.n_labels = 1;
    return &exemplar;
  }

  void Scrape(const char* format) {
    for (int i = 0; i < kScrapes; ++i) {
      const std::string body = host_.GetAs(format);
      if (!body.starts_with("200\n") || body.find("kept") == std::string::npos)
        failures_.fetch_add(1);
    }
  }

  void TurnExpiryOff() {
    const promplug_kv expiry = {S("limits.series_expiry_seconds"), S("0")};
    promplug_options options = {};
    options.struct_size = sizeof options;
    options.flags = PROMPLUG_F_NO_ENV;
    options.overrides = &expiry;
    options.n_overrides = 1;
    Check(Api()->reload(host_.p, &options, nullptr));
  }

  void Check(int32_t result) {
    if (result != PROMPLUG_OK) failures_.fetch_add(1);
  }

  WillingGateway gateway_;
  Host host_;
  promplug_family* kept_ = nullptr;
  promplug_family* observed_ = nullptr;
  promplug_family* churned_ = nullptr;
  std::vector<std::string> ids_;
  std::vector<promplug_metric*> handles_;
  std::atomic<int> ended_{0};
  std::atomic<uint64_t> further_observations_{0};
  std::atomic<bool> expiry_off_{false};
  std::atomic<int> failures_{0};
};

// The sum of the values of the lines that begin so.
double SumOf(const std::string& body, const std::string& begin) {
  double sum = 0;
  for (size_t at = body.find("\n" + begin); at != std::string::npos;
       at = body.find("\n" + begin, at + 1)) {
    sum += std::stod(body.substr(body.find("} ", at) + 2));
  }
  return sum;
}

TEST(SoFireTest, TotalsAreExactWhileEverythingHappensAtOnce) {
  Fire fire;
  fire.Run();
  EXPECT_EQ(fire.failures(), 0);
  const std::string body = fire.host().Get();
  EXPECT_EQ(SumOf(body, "kept_total{"), 2.0 * Fire::kWriters * Fire::kRounds);
  EXPECT_EQ(SumOf(body, "observed_count{"), static_cast<double>(fire.observations()));
}

}  // namespace
}  // namespace so_test
