// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "serve/scrape.hpp"

namespace promplug {

class ListenLoop;

struct ListenerOptions {
  // As ParseListenAddress() takes it; not used where fd is given.
  std::string address;
  // A listening socket of the host, duplicated by Start(); -1: none. It becomes non-blocking, and
  // is never shut down, since other processes may listen on it.
  int fd = -1;
  // One whole answer, from the request to its last byte.
  Duration answer_timeout = std::chrono::seconds(30);
};

// Serves HTTP/1.1 scrapes on a port of its own: one thread, one poll loop, kSlots connections with
// a fixed number of bytes each. No client can hold it up: every request and answer has an absolute
// deadline, and where all slots are taken, the one that waits longest for a request gives way.
//
// Start, Stop, Park, Unpark and AbandonAfterFork are called by one thread at a time; port() is
// thread-safe.
class Listener {
 public:
  static constexpr size_t kSlots = 64;

  // All three must outlive the listener.
  Listener(ScrapeHandler& handler, const Clock& clock, const Log& log);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // OK: listening. kIo where running() holds afterwards: the address cannot be had now, the text
  // says why; it is tried again in the background, and logged when it succeeds. Otherwise nothing
  // was started: kInvalid (the address, or the descriptor), kIo, kNoMemory. REQUIRES: !running()
  Status Start(const ListenerOptions& options);
  bool running() const { return loop_ != nullptr; }
  // 0 while it does not listen, or not on a port.
  int port() const { return port_.load(std::memory_order_relaxed); }
  // Aborts what is under way and gives the port free. Takes milliseconds. Idempotent.
  void Stop();

  // Brings the thread to a point where it holds nothing, and keeps it there until Unpark(); for a
  // fork. kTimeout after two seconds; it is not parked then. OK where nothing runs.
  Status Park();
  void Unpark();
  // In a fork child: closes the descriptors and forgets the thread (its memory is given up, since
  // the thread could have been anywhere in it). !running() afterwards; Start() may be called.
  void AbandonAfterFork();

 private:
  ScrapeHandler& handler_;
  const Clock& clock_;
  const Log& log_;
  std::atomic<int> port_{0};
  std::unique_ptr<ListenLoop> loop_;
};

}  // namespace promplug
