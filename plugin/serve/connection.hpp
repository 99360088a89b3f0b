// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "serve/request_head.hpp"
#include "serve/scrape.hpp"

namespace promplug {

// What the connections of one listener share.
struct ConnectionContext {
  ScrapeHandler& handler;
  const Clock& clock;
  Duration answer_timeout;
  // Makes the listener look again at those that await a scrape. Called from any thread.
  std::function<void()> wake;
  // Ends an answer that its client is slow to read; false: there is none.
  std::function<bool()> make_room;
};

// One client of the listener, in one of its slots: reads a request head, answers it, and so on.
// Used by the listener's thread; never blocks. Every state has an absolute deadline.
class Connection {
 public:
  explicit Connection(const ConnectionContext& context) : context_(context) {}
  ~Connection() { End(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static constexpr Duration kHeadTimeout = std::chrono::seconds(2);
  static constexpr Duration kIdleTimeout = std::chrono::seconds(120);
  static constexpr Duration kDrainTimeout = std::chrono::seconds(1);

  // Takes over the socket. REQUIRES: !open()
  void Open(int fd);
  // Goes on as far as it can without waiting; gives way to others after some work.
  void Step();
  // What is to be done when deadline() has come.
  void Expire();
  // Ends the connection; a client in the middle of an answer sees an error.
  void End();
  // In a fork child: closes the socket and forgets the scrape without ending either.
  void ForgetInChild();

  bool open() const { return state_ != State::kClosed; }
  int fd() const { return fd_; }
  // For poll(); 0 while it waits for its scrape.
  short Events() const;
  TimePoint deadline() const { return deadline_; }
  bool awaits_scrape() const { return awaits_scrape_; }
  // Reading a request, or waiting for one, since since().
  bool unfinished() const { return state_ == State::kReading || state_ == State::kDraining; }
  // Sending an answer, since since(); that takes as long as the client lets it.
  bool sending() const { return state_ == State::kAnswering && has_head_ && !awaits_scrape_; }
  TimePoint since() const { return since_; }

 private:
  enum class State : uint8_t { kClosed, kReading, kAnswering, kDraining };

  // These return whether there may be more to do at once.
  bool Read();
  bool Answer();
  bool Drain();

  bool ParseHead();
  bool Receive();
  void AskHandler(const RequestHead& head);
  void Refuse(int status);
  void BeginAnswer(Duration timeout);
  bool TakeHead();
  bool NextPiece();
  bool EndPieces();
  bool Send();
  void EndAnswer();
  void Abort();
  void Close();

  const ConnectionContext& context_;
  int fd_ = -1;
  State state_ = State::kClosed;
  bool idle_ = false;  // kReading: nothing of a request has come
  bool keep_alive_ = false;
  bool http11_ = false;
  bool no_body_ = false;  // HEAD
  bool chunked_ = false;
  bool has_head_ = false;  // of the scrape
  bool ended_ = false;     // the last piece is in the output
  bool awaits_scrape_ = false;
  TimePoint deadline_;
  TimePoint since_;

  size_t filled_ = 0;    // bytes of input_
  size_t searched_ = 0;  // those known to hold no end of a head

  std::unique_ptr<Scrape> scrape_;
  int64_t length_left_ = 0;  // of a body whose length was announced
  // What goes out next: front_, piece_, back_, of which sent_ bytes are gone.
  std::string front_;
  std::string_view piece_;
  std::string_view back_;
  size_t sent_ = 0;

  char input_[kMaxHeadBytes];
};

}  // namespace promplug
