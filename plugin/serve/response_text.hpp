// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serve/scrape.hpp"

namespace promplug {

struct ResponseFraming {
  bool keep_alive = false;
  bool chunks = true;  // false: for an HTTP/1.0 client, which must not get any (RFC 9112, 6.1)
};

// Appends the head of an HTTP/1.1 answer with its framing: Content-Length where it is known, else
// chunked where the client can take that. `unix_ms` is for Date.
void AppendResponseHead(std::string* out, const ResponseHead& head, ResponseFraming framing,
                        int64_t unix_ms);

// "Sun, 06 Nov 1994 08:49:37 GMT"
void AppendHttpDate(std::string* out, int64_t unix_ms);

// The size line in front of a chunk.
void AppendChunkSize(std::string* out, size_t bytes);

}  // namespace promplug
