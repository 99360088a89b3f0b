// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"

namespace promplug::test {

// A request as it came, its body without transfer coding.
struct FakeRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  int connection = 0;  // 1 is the first that the server accepted

  // The last header of that name (any case), or "".
  std::string Header(std::string_view name) const {
    std::string found;
    for (const auto& [key, value] : headers) {
      if (EqualsIgnoreCase(key, name)) found = value;
    }
    return found;
  }
  // Without its gzip, where it has one; "<not gzip>" where it says so and has none. Who calls this
  // links zlib.
  std::string DecodedBody() const;
};

enum class FakeFault {
  kNone,
  kHold,             // answers when Release() is called
  kDrip,             // a byte each 20 ms
  kShortBody,        // Content-Length says 100 bytes more than come
  kCutChunked,       // chunked, and closed before the last chunk
  kClose,            // closes without a byte of answer
  kEndlessBody,      // chunked, never ends
  kEndlessContinue,  // "100 Continue" for ever
  kEndlessHeaders,   // header lines for ever
};

struct FakeAnswer {
  int status = 200;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  FakeFault fault = FakeFault::kNone;
  bool chunked = false;
  bool close_delimited = false;
  bool close_after = false;
};

inline FakeAnswer Redirect(int status, std::string location) {
  FakeAnswer answer;
  answer.status = status;
  answer.headers.emplace_back("Location", std::move(location));
  return answer;
}

inline FakeAnswer WithFault(FakeFault fault, std::string body = std::string()) {
  FakeAnswer answer;
  answer.fault = fault;
  answer.body = std::move(body);
  return answer;
}

// One accepted connection; every operation ends when the server does.
class FakeHttpConnection {
 public:
  FakeHttpConnection(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}
  ~FakeHttpConnection() { ::close(fd_); }
  FakeHttpConnection(const FakeHttpConnection&) = delete;
  FakeHttpConnection& operator=(const FakeHttpConnection&) = delete;

  // False: the peer or the server is gone.
  bool ReadRequest(FakeRequest* request);
  // False: no further request on this connection.
  bool Write(const FakeAnswer& answer, bool head_request);

 private:
  bool Fill();
  bool ReadLine(std::string* line);
  bool ReadBytes(size_t n, std::string* to);
  bool ReadChunks(std::string* to);
  bool Send(std::string_view bytes);
  bool Drip(std::string_view bytes);
  // Whether fd_ is ready before the server stops; false on stop. Gives true after timeout_ms >= 0.
  bool Wait(short events, int timeout_ms) const;
  bool Endless(std::string_view first, std::string_view again);

  int fd_;
  int stop_fd_;
  std::string buffer_;
};

inline std::string FakeRequest::DecodedBody() const {
  if (Header("Content-Encoding") != "gzip") return body;
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return "<no memory>";
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  stream.avail_in = static_cast<uInt>(body.size());
  std::string out;
  char piece[16384];
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece);
    stream.avail_out = sizeof piece;
    result = inflate(&stream, Z_NO_FLUSH);
    out.append(piece, sizeof piece - stream.avail_out);
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END ? out : "<not gzip>";
}

inline bool FakeHttpConnection::Wait(short events, int timeout_ms) const {
  pollfd fds[2] = {{fd_, events, 0}, {stop_fd_, POLLIN, 0}};
  ::poll(fds, 2, timeout_ms);
  return fds[1].revents == 0;
}

inline bool FakeHttpConnection::Fill() {
  char piece[16384];
  for (;;) {
    if (!Wait(POLLIN, -1)) return false;
    const ssize_t n = ::recv(fd_, piece, sizeof piece, 0);
    if (n > 0) {
      buffer_.append(piece, static_cast<size_t>(n));
      return true;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) return false;
  }
}

inline bool FakeHttpConnection::ReadLine(std::string* line) {
  size_t end;
  while ((end = buffer_.find("\r\n")) == std::string::npos) {
    if (!Fill()) return false;
  }
  line->assign(buffer_, 0, end);
  buffer_.erase(0, end + 2);
  return true;
}

inline bool FakeHttpConnection::ReadBytes(size_t n, std::string* to) {
  while (buffer_.size() < n) {
    if (!Fill()) return false;
  }
  to->append(buffer_, 0, n);
  buffer_.erase(0, n);
  return true;
}

inline bool FakeHttpConnection::ReadChunks(std::string* to) {
  std::string line;
  for (;;) {
    if (!ReadLine(&line)) return false;
    const size_t size = std::strtoul(line.c_str(), nullptr, 16);
    if (!ReadBytes(size, to) || !ReadLine(&line)) return false;
    if (size == 0) return true;
  }
}

inline bool FakeHttpConnection::ReadRequest(FakeRequest* request) {
  std::string line;
  if (!ReadLine(&line)) return false;
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string::npos || last == first) return false;
  request->method = line.substr(0, first);
  request->target = line.substr(first + 1, last - first - 1);
  while (ReadLine(&line) && !line.empty()) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) return false;
    request->headers.emplace_back(line.substr(0, colon),
                                  TrimSpaces(std::string_view(line).substr(colon + 1)));
  }
  if (!request->Header("Expect").empty() && !Send("HTTP/1.1 100 Continue\r\n\r\n")) return false;
  if (request->Header("Transfer-Encoding") == "chunked") return ReadChunks(&request->body);
  const std::string length = request->Header("Content-Length");
  return length.empty() || ReadBytes(std::strtoul(length.c_str(), nullptr, 10), &request->body);
}

inline bool FakeHttpConnection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!Wait(POLLOUT, -1)) return false;
    const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n > 0) {
      bytes.remove_prefix(static_cast<size_t>(n));
    } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    }
  }
  return true;
}

inline bool FakeHttpConnection::Drip(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (!Send(bytes.substr(i, 1)) || !Wait(0, 20)) return false;
  }
  return true;
}

inline bool FakeHttpConnection::Endless(std::string_view first, std::string_view again) {
  if (!Send(first)) return false;
  while (Send(again)) {
  }
  return false;
}

inline bool FakeHttpConnection::Write(const FakeAnswer& answer, bool head_request) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " Scripted\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  switch (answer.fault) {
    case FakeFault::kClose:
      return false;
    case FakeFault::kEndlessContinue:
      return Endless("", "HTTP/1.1 100 Continue\r\n\r\n");
    case FakeFault::kEndlessHeaders:
      return Endless(head, "X-More: and more\r\n");
    case FakeFault::kEndlessBody:
      return Endless(head + "Transfer-Encoding: chunked\r\n\r\n",
                     "1000\r\n" + std::string(0x1000, 'x') + "\r\n");
    default:
      break;
  }
  const bool cut = answer.fault == FakeFault::kCutChunked;
  std::string body = head_request ? std::string() : answer.body;
  if (answer.chunked || cut) {
    head += "Transfer-Encoding: chunked\r\n";
    char size[24];
    std::snprintf(size, sizeof size, "%zx\r\n", body.size());
    body = body.empty() ? "" : size + body + "\r\n";
    if (!cut) body += "0\r\n\r\n";
  } else if (answer.close_delimited) {
    head += "Connection: close\r\n";
  } else {
    const size_t extra = answer.fault == FakeFault::kShortBody ? 100 : 0;
    head += "Content-Length: " + std::to_string(answer.body.size() + extra) + "\r\n";
  }
  const std::string all = head + "\r\n" + body;
  const bool sent = answer.fault == FakeFault::kDrip ? Drip(all) : Send(all);
  return sent && !cut && !answer.close_delimited && !answer.close_after &&
         answer.fault != FakeFault::kShortBody;
}

}  // namespace promplug::test
