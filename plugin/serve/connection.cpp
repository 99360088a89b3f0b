// SPDX-License-Identifier: MIT
#include "serve/connection.hpp"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "serve/answer.hpp"
#include "serve/response_text.hpp"

namespace promplug {
namespace {

// About a MiB of answer, or a hundred small requests, until the others get their turn.
constexpr int kMaxTurns = 32;

bool WouldBlock(int error) { return error == EAGAIN || error == EINTR; }

std::string_view RefusalText(int status) {
  switch (status) {
    case 408:
      return "the request did not come in time\n";
    case 413:
      return "requests with a body are not taken\n";
    case 431:
      return "the request head is too large\n";
    case 505:
      return "only HTTP/1.0 and HTTP/1.1 are spoken here\n";
    default:
      return "not an acceptable HTTP request\n";
  }
}

bool IsOverLimit(Scrape* scrape) {
  const ResponseHead* head = nullptr;
  return scrape != nullptr && scrape->Head(&head) == Scrape::Progress::kOk && head->status == 503;
}

}  // namespace

void Connection::Open(int fd) {
  fd_ = fd;
  state_ = State::kReading;
  idle_ = false;
  filled_ = 0;
  searched_ = 0;
  since_ = context_.clock.Now();
  deadline_ = since_ + kHeadTimeout;
}

void Connection::Step() {
  try {
    for (int turn = 0; turn < kMaxTurns; ++turn) {
      bool more = false;
      if (state_ == State::kReading)
        more = Read();
      else if (state_ == State::kAnswering)
        more = Answer();
      else if (state_ == State::kDraining)
        more = Drain();
      if (!more) return;
    }
  } catch (const std::exception&) {
    Abort();
  }
}

void Connection::Expire() {
  if (state_ == State::kReading && filled_ > 0) {
    try {
      Refuse(408);
      Step();
    } catch (const std::exception&) {
      Abort();
    }
  } else {
    End();
  }
}

void Connection::End() {
  if (state_ == State::kAnswering) Abort();
  Close();
}

short Connection::Events() const {
  if (unfinished()) return POLLIN;
  return state_ == State::kAnswering && !awaits_scrape_ ? POLLOUT : 0;
}

bool Connection::Read() { return ParseHead() || Receive(); }

// Whether the input held a whole head or one to be refused.
bool Connection::ParseHead() {
  if (filled_ == searched_) return false;
  RequestHead head;
  const HeadParse parse = ParseRequestHead({input_, filled_}, searched_, &head);
  searched_ = filled_;
  if (parse.kind == HeadParse::Kind::kIncomplete) return false;
  searched_ = 0;
  if (parse.kind == HeadParse::Kind::kRefused) {
    filled_ = 0;
    const bool reads = head.method == "GET" || head.method == "HEAD";
    if (parse.refusal != 413 || reads) {
      Refuse(parse.refusal);
    } else {
      // That the method is not taken says more than that its body is not.
      head.keep_alive = false;
      AskHandler(head);
    }
    return true;
  }
  AskHandler(head);
  // The head's views are dead from here on.
  filled_ -= parse.size;
  std::memmove(input_, input_ + parse.size, filled_);
  return true;
}

bool Connection::Receive() {
  const ssize_t received = recv(fd_, input_ + filled_, sizeof input_ - filled_, 0);
  if (received <= 0) {
    if (received == 0 || !WouldBlock(errno)) Close();
    return false;
  }
  if (idle_) deadline_ = context_.clock.Now() + kHeadTimeout;
  idle_ = false;
  filled_ += static_cast<size_t>(received);
  return true;
}

void Connection::AskHandler(const RequestHead& head) {
  ScrapeRequest request;
  request.method = head.method;
  request.path = head.path;
  request.query = head.query;
  request.headers = head.headers;
  request.need_length = !head.http11;
  keep_alive_ = head.keep_alive;
  http11_ = head.http11;
  no_body_ = head.method == "HEAD";

  scrape_ = context_.handler.Begin(request, context_.wake);
  if (IsOverLimit(scrape_.get()) && context_.make_room()) {
    scrape_ = context_.handler.Begin(request, context_.wake);
  }
  if (scrape_ == nullptr) scrape_ = NewTextAnswer(404, {}, "not found\n");
  BeginAnswer(context_.answer_timeout);
}

void Connection::Refuse(int status) {
  scrape_ = NewTextAnswer(status, {}, std::string(RefusalText(status)));
  keep_alive_ = false;
  no_body_ = false;
  BeginAnswer(kHeadTimeout);
}

void Connection::BeginAnswer(Duration timeout) {
  state_ = State::kAnswering;
  has_head_ = false;
  ended_ = false;
  awaits_scrape_ = false;
  since_ = context_.clock.Now();
  deadline_ = since_ + timeout;
}

bool Connection::Answer() {
  if (!has_head_) return TakeHead();
  if (sent_ < front_.size() + piece_.size() + back_.size()) return Send();
  return ended_ ? (EndAnswer(), true) : NextPiece();
}

// The head goes into the output.
bool Connection::TakeHead() {
  const ResponseHead* head = nullptr;
  awaits_scrape_ = scrape_->Head(&head) == Scrape::Progress::kAgain;
  if (awaits_scrape_) return false;
  has_head_ = true;
  since_ = context_.clock.Now();
  chunked_ = head->content_length < 0;
  length_left_ = head->content_length;
  ended_ = no_body_;
  front_.clear();
  piece_ = {};
  back_ = {};
  sent_ = 0;
  AppendResponseHead(&front_, *head, {keep_alive_, http11_}, context_.clock.UnixMillis());
  return true;
}

// The next piece of the body goes into the output, which is empty.
bool Connection::NextPiece() {
  front_.clear();
  piece_ = {};
  back_ = {};
  sent_ = 0;
  const Scrape::Progress progress = scrape_->Read(&piece_);
  awaits_scrape_ = progress == Scrape::Progress::kAgain;
  if (awaits_scrape_) return false;
  if (progress == Scrape::Progress::kEnd) return EndPieces();
  const bool fits = chunked_ || static_cast<int64_t>(piece_.size()) <= length_left_;
  if (progress == Scrape::Progress::kFailed || !fits) {
    Abort();
    return false;
  }
  if (chunked_) {
    AppendChunkSize(&front_, piece_.size());
    back_ = "\r\n";
  } else {
    length_left_ -= static_cast<int64_t>(piece_.size());
    ended_ = length_left_ == 0;
  }
  return true;
}

bool Connection::EndPieces() {
  if (!chunked_ && length_left_ != 0) {
    Abort();
    return false;
  }
  ended_ = true;
  piece_ = {};
  if (chunked_) front_ = "0\r\n\r\n";
  return true;
}

bool Connection::Send() {
  iovec parts[3] = {{front_.data(), front_.size()},
                    {const_cast<char*>(piece_.data()), piece_.size()},
                    {const_cast<char*>(back_.data()), back_.size()}};
  size_t skip = sent_;
  for (iovec& part : parts) {
    const size_t gone = std::min(skip, part.iov_len);
    part.iov_base = static_cast<char*>(part.iov_base) + gone;
    part.iov_len -= gone;
    skip -= gone;
  }
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 3;
  // Without MSG_MORE each head and each end of an answer would be a packet of its own.
  const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL | (ended_ ? 0 : MSG_MORE));
  if (sent < 0) {
    if (!WouldBlock(errno)) Close();
    return false;
  }
  sent_ += static_cast<size_t>(sent);
  return true;
}

void Connection::EndAnswer() {
  scrape_.reset();
  since_ = context_.clock.Now();
  if (keep_alive_) {
    state_ = State::kReading;
    idle_ = filled_ == 0;
    deadline_ = since_ + (idle_ ? kIdleTimeout : kHeadTimeout);
    return;
  }
  // Closing at once with unread input would be a reset, which can cost the client the answer.
  shutdown(fd_, SHUT_WR);
  state_ = State::kDraining;
  deadline_ = since_ + kDrainTimeout;
}

bool Connection::Drain() {
  const ssize_t received = recv(fd_, input_, sizeof input_, 0);
  if (received > 0) return true;
  if (received == 0 || !WouldBlock(errno)) Close();
  return false;
}

void Connection::Close() {
  scrape_.reset();
  state_ = State::kClosed;
  awaits_scrape_ = false;
  const int fd = std::exchange(fd_, -1);
  if (fd < 0) return;
  // A forked child may hold a copy, with which the connection would stay open.
  shutdown(fd, SHUT_RDWR);
  close(fd);
}

void Connection::Abort() {
  // Dissolving the association resets the connection now, even if a forked child holds a copy.
  const sockaddr nobody{AF_UNSPEC, {}};
  if (fd_ >= 0) (void)connect(fd_, &nobody, sizeof nobody);
  Close();
}

void Connection::ForgetInChild() {
  // Ending the scrape could wait for threads that are not in this process.
  (void)scrape_.release();
  state_ = State::kClosed;
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0) close(fd);
}

}  // namespace promplug
