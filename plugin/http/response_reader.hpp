// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/status.hpp"
#include "http/http_client.hpp"

namespace promplug {

// Takes one response piece by piece, within limits. Used by one thread.
class ResponseReader {
 public:
  static constexpr size_t kMaxHeaderBytes = size_t{64} * 1024;
  static constexpr size_t kMaxHeaderLines = 256;
  static constexpr uint64_t kMaxUnsunkBytes = 1 << 20;
  static constexpr size_t kKeptTextBytes = 1024;

  // `sink` as in HttpRequest; it must outlive the reader.
  explicit ResponseReader(const std::function<bool(std::string_view)>& sink) : sink_(sink) {}

  // One line of the headers, its end and the status line included; those of interim responses come
  // before those of the final one. Both: false ends the exchange, and limit() says why.
  bool TakeHeader(std::string_view line);
  bool TakeBody(std::string_view bytes);
  const char* limit() const { return limit_; }

  // The response, or kIo where nobody can tell whether its body is complete. Call it once.
  Result<HttpResponse> Finish();

 private:
  void Begin(std::string_view status_line);
  void Keep(std::string_view name, std::string_view value);
  bool EndBy(const char* limit);

  const std::function<bool(std::string_view)>& sink_;
  HttpResponse response_;
  size_t header_bytes_ = 0;
  size_t header_lines_ = 0;
  uint64_t unsunk_bytes_ = 0;
  bool length_known_ = false;
  const char* limit_ = nullptr;
};

}  // namespace promplug
