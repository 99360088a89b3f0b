// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace promplug {

// The head of an HTTP/1 request. The views point into the bytes that were parsed.
struct RequestHead {
  std::string_view method;
  std::string_view path;   // without the query; of an absolute target, too
  std::string_view query;  // without '?'
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  bool http11 = false;
  bool keep_alive = false;
};

inline constexpr size_t kMaxHeadBytes = 8192;
inline constexpr size_t kMaxHeadFields = 100;

struct HeadParse {
  enum class Kind { kIncomplete, kWhole, kRefused };
  Kind kind = Kind::kIncomplete;
  int refusal = 0;  // kRefused: the status to answer before closing
  size_t size = 0;  // kWhole: how many bytes the head has
};

// Parses the head that `bytes` begins with, strictly (RFC 9112): HTTP/1.0 or 1.1, exactly one Host
// in 1.1, CRLF line ends, no folded lines. A request with a body is refused (413; 400 for
// Transfer-Encoding, or Content-Length twice), as are more than kMaxHeadBytes or kMaxHeadFields
// (431), and other versions (505). `searched`: so many bytes were there at an earlier call, which
// said kIncomplete.
HeadParse ParseRequestHead(std::string_view bytes, size_t searched, RequestHead* out);

}  // namespace promplug
