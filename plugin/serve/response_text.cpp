// SPDX-License-Identifier: MIT
#include "serve/response_text.hpp"

#include <charconv>
#include <chrono>

namespace promplug {
namespace {

std::string_view ReasonPhrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

void AppendNumber(std::string* out, uint64_t value, int base = 10) {
  char digits[20];
  const char* const end = std::to_chars(digits, digits + sizeof digits, value, base).ptr;
  out->append(digits, static_cast<size_t>(end - digits));
}

void AppendTwoDigits(std::string* out, int64_t value) {
  out->push_back(static_cast<char>('0' + value / 10));
  out->push_back(static_cast<char>('0' + value % 10));
}

void AppendHeader(std::string* out, std::string_view name, std::string_view value) {
  out->append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

void AppendHttpDate(std::string* out, int64_t unix_ms) {
  using std::chrono::days;
  using std::chrono::floor;
  static constexpr std::string_view kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::string_view kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::chrono::sys_time<std::chrono::milliseconds> time{std::chrono::milliseconds(unix_ms)};
  const std::chrono::sys_days day = floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<std::chrono::seconds>(time - day));
  out->append(kDays[std::chrono::weekday(day).c_encoding()]).append(", ");
  AppendTwoDigits(out, static_cast<unsigned>(date.day()));
  out->append(" ").append(kMonths[static_cast<unsigned>(date.month()) - 1]).append(" ");
  AppendNumber(out, static_cast<uint64_t>(static_cast<int>(date.year())));
  out->append(" ");
  AppendTwoDigits(out, clock.hours().count());
  out->append(":");
  AppendTwoDigits(out, clock.minutes().count());
  out->append(":");
  AppendTwoDigits(out, clock.seconds().count());
  out->append(" GMT");
}

void AppendResponseHead(std::string* out, const ResponseHead& head, ResponseFraming framing,
                        int64_t unix_ms) {
  out->append("HTTP/1.1 ");
  AppendNumber(out, static_cast<uint64_t>(head.status));
  out->append(" ").append(ReasonPhrase(head.status)).append("\r\nDate: ");
  AppendHttpDate(out, unix_ms);
  out->append("\r\n");
  for (const auto& [name, value] : head.headers) AppendHeader(out, name, value);
  if (!framing.keep_alive) AppendHeader(out, "Connection", "close");
  if (head.content_length < 0) {
    if (framing.chunks) AppendHeader(out, "Transfer-Encoding", "chunked");
  } else {
    out->append("Content-Length: ");
    AppendNumber(out, static_cast<uint64_t>(head.content_length));
    out->append("\r\n");
  }
  out->append("\r\n");
}

void AppendChunkSize(std::string* out, size_t bytes) {
  AppendNumber(out, bytes, 16);
  out->append("\r\n");
}

}  // namespace promplug
