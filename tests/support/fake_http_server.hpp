// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/fake_http_connection.hpp"

namespace promplug::test {

// An HTTP/1.1 server on a free port of 127.0.0.1 that answers as it is told and remembers what it
// was asked. Thread-safe. Its end ends every connection, whatever they wait for.
class FakeHttpServer {
 public:
  FakeHttpServer();
  ~FakeHttpServer();
  FakeHttpServer(const FakeHttpServer&) = delete;
  FakeHttpServer& operator=(const FakeHttpServer&) = delete;

  int port() const { return port_; }
  // "http://127.0.0.1:PORT"
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // For the next request that no earlier Script() answer is for.
  void Script(FakeAnswer answer) {
    std::lock_guard lock(mutex_);
    script_.push_back(std::move(answer));
  }
  // For every request once the script is used up; 200 with an empty body if never called.
  void SetDefault(FakeAnswer answer) {
    SetHandler([answer](const FakeRequest&) { return answer; });
  }
  void SetHandler(std::function<FakeAnswer(const FakeRequest&)> handler) {
    std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  // Lets every answer go that is or will be held.
  void Release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  std::vector<FakeRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }
  int connections() const {
    std::lock_guard lock(mutex_);
    return connections_;
  }
  // Whether n requests have come in (their bodies too) within ten seconds.
  bool WaitForRequests(size_t n) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return requests_.size() >= n; });
  }

 private:
  void AcceptLoop();
  void Serve(int fd, int number);
  FakeAnswer AnswerFor(const FakeRequest& request);
  bool HoldUntilReleased();

  int listen_fd_ = -1;
  int stop_fd_ = -1;
  int port_ = 0;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<FakeAnswer> script_;
  std::function<FakeAnswer(const FakeRequest&)> handler_;
  std::vector<FakeRequest> requests_;
  std::list<std::thread> serving_;
  int connections_ = 0;
  bool released_ = false;
  bool stopping_ = false;
  std::thread accepting_;
};

inline FakeHttpServer::FakeHttpServer() {
  listen_fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  stop_fd_ = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(listen_fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listen_fd_, 64) != 0 ||
      ::getsockname(listen_fd_, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    std::abort();
  }
  port_ = ntohs(address.sin_port);
  accepting_ = std::thread([this] { AcceptLoop(); });
}

inline FakeHttpServer::~FakeHttpServer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  const uint64_t one = 1;
  if (::write(stop_fd_, &one, sizeof one) != sizeof one) std::abort();
  accepting_.join();
  for (std::thread& thread : serving_) thread.join();
  ::close(listen_fd_);
  ::close(stop_fd_);
}

inline void FakeHttpServer::AcceptLoop() {
  for (;;) {
    pollfd fds[2] = {{listen_fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
    ::poll(fds, 2, -1);
    if (fds[1].revents != 0) return;
    const int fd = ::accept4(listen_fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) continue;
    std::lock_guard lock(mutex_);
    const int number = ++connections_;
    serving_.emplace_back([this, fd, number] { Serve(fd, number); });
  }
}

inline void FakeHttpServer::Serve(int fd, int number) {
  FakeHttpConnection connection(fd, stop_fd_);
  for (;;) {
    FakeRequest request;
    request.connection = number;
    if (!connection.ReadRequest(&request)) return;
    const FakeAnswer answer = AnswerFor(request);
    if (answer.fault == FakeFault::kHold && !HoldUntilReleased()) return;
    if (!connection.Write(answer, request.method == "HEAD")) return;
  }
}

inline FakeAnswer FakeHttpServer::AnswerFor(const FakeRequest& request) {
  std::function<FakeAnswer(const FakeRequest&)> handler;
  {
    std::lock_guard lock(mutex_);
    requests_.push_back(request);
    changed_.notify_all();
    if (!script_.empty()) {
      FakeAnswer answer = std::move(script_.front());
      script_.pop_front();
      return answer;
    }
    handler = handler_;
  }
  return handler ? handler(request) : FakeAnswer{};
}

inline bool FakeHttpServer::HoldUntilReleased() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return released_ || stopping_; });
  return !stopping_;
}

}  // namespace promplug::test
