// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"

namespace promplug {

// A request as a host or the listener has it. The views must stay valid during ScrapeHandler::Begin
// only.
struct ScrapeRequest {
  std::string_view method;
  std::string_view path;   // without the query
  std::string_view query;  // without '?'
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  bool ignore_path = false;
  bool need_length = false;  // hold the body to know its length (HTTP/1.0, or the host asks)
  Duration timeout{};        // zero: the configured one
};

struct ResponseHead {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  int64_t content_length = -1;  // -1: unknown; send it chunked
};

// One answer under way, made without ever blocking. Used by one thread at a time. Destroying it
// cancels; the ready callback does not run after that.
class Scrape {
 public:
  virtual ~Scrape() = default;
  enum class Progress { kOk, kAgain, kEnd, kFailed };
  // kOk with *head (valid while the Scrape lives), or kAgain.
  virtual Progress Head(const ResponseHead** head) = 0;
  // kOk with a non-empty piece of at most 64 KiB, valid until the next call; kAgain; kEnd; kFailed:
  // the connection has to be aborted.
  virtual Progress Read(std::string_view* piece) = 0;
  // Blocks until Head() would give an answer.
  virtual void Wait() = 0;
};

// Turns requests into answers, without sockets. Thread-safe.
class ScrapeHandler {
 public:
  virtual ~ScrapeHandler() = default;
  // nullptr: the request is not for the plugin. `ready` is called once for each kAgain, from any
  // thread, and must not block; it may be empty where Wait() is used.
  virtual std::unique_ptr<Scrape> Begin(const ScrapeRequest& request,
                                        std::function<void()> ready) = 0;
};

}  // namespace promplug
