// SPDX-License-Identifier: MIT
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace promplug::test {

inline sockaddr_in LoopbackAddress(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// One answer as it came over the wire, its body without chunks.
struct WireAnswer {
  int status = 0;  // 0: no head came
  std::string head;
  std::string body;
  bool whole = false;  // the end of the body came, as its framing says

  bool Says(std::string_view text) const { return head.find(text) != std::string::npos; }
};

// A client that sends what it is told, byte by byte as it is. Waits at most ten seconds for
// anything.
class LoopbackClient {
 public:
  explicit LoopbackClient(int port, int receive_buffer = 0)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    if (receive_buffer > 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const sockaddr_in address = LoopbackAddress(port);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      close(std::exchange(fd_, -1));
    }
  }
  ~LoopbackClient() {
    if (fd_ >= 0) close(fd_);
  }
  LoopbackClient(LoopbackClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), received_(std::move(other.received_)) {}
  LoopbackClient& operator=(LoopbackClient&&) = delete;

  bool connected() const { return fd_ >= 0; }
  int fd() const { return fd_; }

  bool Send(std::string_view text) const {
    while (!text.empty()) {
      const ssize_t sent = send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void EndSending() const { shutdown(fd_, SHUT_WR); }

  // The next answer of the connection; what has come of it if the connection ends before.
  WireAnswer Receive(bool to_head = false) {
    WireAnswer answer;
    size_t head_end;
    while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!More()) return answer;
    }
    answer.head = Cut(head_end + 4);
    answer.status = std::atoi(answer.head.c_str() + sizeof "HTTP/1.1");
    if (to_head) {
      answer.whole = true;
    } else if (answer.Says("Transfer-Encoding: chunked")) {
      ReceiveChunks(&answer);
    } else {
      const size_t at = answer.head.find("Content-Length: ");
      const size_t length = std::strtoull(answer.head.c_str() + at + 16, nullptr, 10);
      answer.whole = at != std::string::npos && ReceiveBytes(length, &answer.body);
    }
    return answer;
  }

  // Whether the server ends the connection; what it still sends is thrown away.
  bool Closed() {
    received_.clear();
    while (More()) received_.clear();
    return ended_;
  }
  // Whether the connection ended by a reset rather than by an end of data. After Closed().
  bool reset() const { return reset_; }

 private:
  bool More() {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, 10'000) != 1) return false;
    char buffer[16 * 1024];
    const ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n > 0) {
      received_.append(buffer, static_cast<size_t>(n));
      return true;
    }
    ended_ = true;
    reset_ = n < 0 && errno == ECONNRESET;
    return false;
  }
  std::string Cut(size_t n) {
    std::string front = received_.substr(0, n);
    received_.erase(0, n);
    return front;
  }
  bool ReceiveBytes(size_t n, std::string* out) {
    while (received_.size() < n) {
      if (!More()) return false;
    }
    out->append(Cut(n));
    return true;
  }
  void ReceiveChunks(WireAnswer* answer) {
    for (;;) {
      size_t line_end;
      while ((line_end = received_.find("\r\n")) == std::string::npos) {
        if (!More()) return;
      }
      const size_t size = std::strtoull(Cut(line_end + 2).c_str(), nullptr, 16);
      std::string chunk_end;
      if (!ReceiveBytes(size, &answer->body) || !ReceiveBytes(2, &chunk_end)) return;
      if (size == 0) {
        answer->whole = chunk_end == "\r\n";
        return;
      }
    }
  }

  int fd_;
  std::string received_;
  bool ended_ = false;
  bool reset_ = false;
};

// What Prometheus sends, less its headers.
inline constexpr std::string_view kPlainScrape = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";

// A scrape on a connection of its own.
inline WireAnswer ScrapeOnce(int port, std::string_view request = kPlainScrape) {
  LoopbackClient client(port);
  if (!client.connected() || !client.Send(request)) return {};
  return client.Receive();
}

}  // namespace promplug::test
