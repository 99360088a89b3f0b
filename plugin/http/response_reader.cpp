// SPDX-License-Identifier: MIT
#include "http/response_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxLocationBytes = 2048;

}  // namespace

bool ResponseReader::EndBy(const char* limit) {
  limit_ = limit;
  return false;
}

bool ResponseReader::TakeHeader(std::string_view line) {
  header_bytes_ += line.size();
  ++header_lines_;
  if (header_bytes_ > kMaxHeaderBytes || header_lines_ > kMaxHeaderLines) {
    return EndBy("the response has too many headers");
  }
  line = line.substr(0, line.find_first_of("\r\n"));
  if (line.substr(0, 5) == "HTTP/") {
    Begin(line);
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    Keep(line.substr(0, colon), TrimSpaces(line.substr(colon + 1)));
  }
  return true;
}

void ResponseReader::Begin(std::string_view status_line) {
  response_ = HttpResponse();
  length_known_ = false;
  const std::string_view code =
      TrimSpaces(status_line.substr(std::min(status_line.find(' '), status_line.size())));
  std::from_chars(code.data(), code.data() + code.size(), response_.status);
}

void ResponseReader::Keep(std::string_view name, std::string_view value) {
  if (EqualsIgnoreCase(name, "Content-Type")) {
    response_.content_type = value;
  } else if (EqualsIgnoreCase(name, "Location")) {
    response_.location = value.substr(0, kMaxLocationBytes);
  } else if (EqualsIgnoreCase(name, "Content-Length") ||
             (EqualsIgnoreCase(name, "Transfer-Encoding") && EqualsIgnoreCase(value, "chunked"))) {
    length_known_ = true;
  } else if (EqualsIgnoreCase(name, "Retry-After")) {
    uint32_t seconds = 0;  // the form with a date depends on two clocks and is not read
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
    const bool whole = error == std::errc() && end == value.data() + value.size();
    if (whole) response_.retry_after_seconds = seconds;
  }
}

bool ResponseReader::TakeBody(std::string_view bytes) {
  if (response_.status == 200 && sink_) {
    return sink_(bytes) || EndBy("the response was given up by its reader");
  }
  response_.text.append(bytes.substr(0, kKeptTextBytes - response_.text.size()));
  unsunk_bytes_ += bytes.size();
  return unsunk_bytes_ <= kMaxUnsunkBytes || EndBy("the response is larger than 1 MiB");
}

Result<HttpResponse> ResponseReader::Finish() {
  if (response_.status == 200 && sink_ && !length_known_) {
    return Status(Code::kIo,
                  "the response has neither Content-Length nor chunks, so that it may be cut");
  }
  return std::move(response_);
}

}  // namespace promplug
