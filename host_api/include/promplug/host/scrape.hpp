// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core.hpp"

namespace promplug::host {

// A request as the host has it. Refers to the host's texts.
struct Request {
  std::string_view method = "GET";
  std::string_view path = "/metrics";  // without the query
  std::string_view query;              // without '?'
  std::vector<Pair> headers;           // names in any case
  std::string_view peer;
  bool mounted = false;                  // the host chose the path: do not compare it
  bool need_length = false;              // hold the body to know its length, as for HTTP/1.0
  std::chrono::milliseconds timeout{0};  // 0: the configured one
};

struct ResponseHead {
  int status = 0;
  StringPairs headers;  // never Content-Length or Transfer-Encoding
  // -1: unknown. Then send the body chunked, never ended by closing the connection: a scraper takes
  // a cut one for a whole one.
  int64_t content_length = -1;
};

struct Response {
  ResponseHead head;
  std::string body;
};

namespace detail {

class AbiRequest {
 public:
  explicit AbiRequest(const Request& request) : headers_(request.headers) {
    if (request.mounted) abi_.flags |= PROMPLUG_REQ_MOUNTED;
    if (request.need_length) abi_.flags |= PROMPLUG_REQ_NEED_LENGTH;
    abi_.method = Str(request.method);
    abi_.path = Str(request.path);
    abi_.query = Str(request.query);
    abi_.headers = headers_.data();
    abi_.n_headers = headers_.size();
    abi_.peer = Str(request.peer);
    abi_.timeout_ms = Milliseconds(request.timeout);
  }
  const promplug_request* get() const noexcept { return &abi_; }

 private:
  Pairs headers_;
  promplug_request abi_ = Sized<promplug_request>();
};

inline ResponseHead MakeHead(int32_t status, const promplug_kv* headers, size_t n_headers,
                             int64_t content_length) {
  ResponseHead head;
  head.status = status;
  head.content_length = content_length;
  head.headers.reserve(n_headers);
  for (size_t i = 0; i < n_headers; ++i) {
    head.headers.emplace_back(View(headers[i].key), View(headers[i].value));
  }
  return head;
}

// Runs code of the host inside a callback; what it throws is kept and thrown again on the host's
// side of the boundary.
class Guarded {
 public:
  // 0: go on.
  template <class F>
  int32_t operator()(const F& call) noexcept {
    try {
      return call() ? 0 : 1;
    } catch (...) {
      thrown_ = std::current_exception();
      return 1;
    }
  }
  void Rethrow() const {
    if (thrown_ != nullptr) std::rethrow_exception(thrown_);
  }

 private:
  std::exception_ptr thrown_;
};

// begin() and write() of the ABI on two functions that answer whether to go on.
template <class OnHead, class OnBody>
struct ResponseCall {
  OnHead& on_head;
  OnBody& on_body;
  Guarded guarded{};

  static int32_t Begin(void* user, int32_t status, const promplug_kv* headers, size_t n_headers,
                       int64_t content_length) noexcept {
    auto& self = *static_cast<ResponseCall*>(user);
    return self.guarded(
        [&] { return self.on_head(MakeHead(status, headers, n_headers, content_length)); });
  }
  static int32_t Write(void* user, const void* data, size_t len) noexcept {
    auto& self = *static_cast<ResponseCall*>(user);
    return self.guarded(
        [&] { return self.on_body(std::string_view(static_cast<const char*>(data), len)); });
  }
};

}  // namespace detail

// One answer, made without ever blocking, for event loops. Used by one thread at a time; movable.
// Destroying it cancels.
class Scrape {
 public:
  enum class Progress {
    kOk,
    kAgain,   // the ready function will be called, once
    kEnd,     // the body is whole
    kFailed,  // abort the connection; do not end the body
  };

  Scrape() = default;
  Scrape(Scrape&& other) noexcept
      : core_(std::move(other.core_)),
        scrape_(std::exchange(other.scrape_, nullptr)),
        ready_(std::move(other.ready_)) {}
  Scrape& operator=(Scrape&& other) noexcept {
    std::swap(core_, other.core_);
    std::swap(scrape_, other.scrape_);
    std::swap(ready_, other.ready_);
    return *this;
  }
  ~Scrape() {
    if (scrape_ != nullptr) core_->api()->scrape_end(scrape_);
  }

  // False: the request is not for the plugin, the host answers it.
  bool handled() const noexcept { return scrape_ != nullptr; }

  // kOk with *head; kAgain; kFailed. REQUIRES: handled().
  Progress Head(ResponseHead* head) {
    auto info = detail::Sized<promplug_scrape_head_info>();
    const int32_t code = core_->api()->scrape_head(scrape_, &info);
    if (code == PROMPLUG_OK) {
      *head = detail::MakeHead(info.status, info.headers, info.n_headers, info.content_length);
    }
    return ToProgress(code);
  }
  // kOk with *n > 0 bytes in `buffer`; kAgain; kEnd; kFailed. REQUIRES: Head() was kOk.
  Progress Read(char* buffer, size_t capacity, size_t* n) {
    return ToProgress(core_->api()->scrape_read(scrape_, buffer, capacity, n));
  }

 private:
  friend class Plugin;
  using Ready = std::function<void()>;

  static Result<Scrape> Begin(const detail::CorePtr& core, const Request& request, Ready ready) {
    Scrape made;
    if (core == nullptr) return made;
    made.core_ = core;
    made.ready_ = std::make_unique<Ready>(std::move(ready));
    promplug_error error{};
    const int32_t code =
        core->api()->scrape_begin(core->instance(), detail::AbiRequest(request).get(), &CallReady,
                                  made.ready_.get(), &made.scrape_, &error);
    if (code < 0) return detail::MakeError(code, error, "scrape_begin");
    return made;
  }
  static void CallReady(void* user) noexcept { detail::CallQuietly(*static_cast<Ready*>(user)); }
  static Progress ToProgress(int32_t code) noexcept {
    switch (code) {
      case PROMPLUG_OK:
        return Progress::kOk;
      case PROMPLUG_AGAIN:
        return Progress::kAgain;
      case PROMPLUG_END:
        return Progress::kEnd;
      default:
        return Progress::kFailed;
    }
  }

  detail::CorePtr core_;
  promplug_scrape* scrape_ = nullptr;
  std::unique_ptr<Ready> ready_;
};

}  // namespace promplug::host
