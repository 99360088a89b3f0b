// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"

namespace promplug {

// A request body of a known length. Rewound by the client when a connection has to be redone.
class HttpBody {
 public:
  virtual ~HttpBody() = default;
  virtual uint64_t size() const = 0;
  // Back to the first byte.
  virtual void Rewind() = 0;
  // Copies at most `max` bytes to `to` and returns how many; 0 only at the end.
  virtual size_t Read(char* to, size_t max) = 0;
};

struct HttpRequest {
  std::string method;  // "GET", "PUT", "POST", "DELETE"
  std::string url;     // http:// or https://; user:password@ is sent as Basic authentication
  std::vector<std::pair<std::string, std::string>> headers;
  HttpBody* body = nullptr;  // not owned; nullptr: none
  Duration timeout{};        // for the whole exchange, name resolution included; > 0
  bool use_proxy = true;     // false: the environment's proxy is ignored
  // Receives the response body as it comes, only of a response with status 200. False: stop, the
  // exchange fails with kLimit. Empty: the first 1 KiB of the body is kept in HttpResponse::text.
  std::function<bool(std::string_view)> sink;
};

struct HttpResponse {
  int status = 0;
  std::string content_type;
  std::string location;  // of a redirect; never followed
  int64_t retry_after_seconds = -1;
  std::string text;  // the first 1 KiB of the body, where no sink took it
};

// One connection-reusing HTTP client. Used by one thread, except Interrupt().
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  // Performs one exchange. OK means: a complete response arrived, whatever its status code; a body
  // that goes to a sink is complete only where the server said its length or sent it chunked.
  // kNotFound: the connection was refused, so that nothing listens there. kIo: not reached, cut
  // off, or TLS refused. kTimeout. kCancelled: Interrupt(). kLimit: the sink stopped it, or the
  // response has more than 64 KiB of headers or 1 MiB of a body that no sink takes. kInvalid: the
  // request cannot be sent. Texts never hold credentials. Redirects are never followed.
  virtual Result<HttpResponse> Perform(const HttpRequest& request) = 0;
  // Ends the exchange under way, or the next one, soon. Any thread. Holds until ClearInterrupt().
  virtual void Interrupt() = 0;
  virtual void ClearInterrupt() = 0;
};

// Loads libcurl (once per process, for ever) and makes a client. kIo, with a text that says which
// package to install, when there is no usable libcurl.
Result<std::unique_ptr<HttpClient>> NewCurlClient();

}  // namespace promplug
