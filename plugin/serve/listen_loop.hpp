// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "base/status.hpp"
#include "base/thread.hpp"
#include "serve/acceptor.hpp"
#include "serve/connection.hpp"
#include "serve/listener.hpp"

namespace promplug {

// The thread of a Listener with all it works on. Started at most once. For the one thread
// that owns the listener.
class ListenLoop {
 public:
  // *port is set when it listens; it must outlive the loop.
  ListenLoop(ScrapeHandler& handler, const Clock& clock, const Log& log, Duration answer_timeout,
             std::atomic<int>* port);
  // Ends the thread and everything else.
  ~ListenLoop();
  ListenLoop(const ListenLoop&) = delete;
  ListenLoop& operator=(const ListenLoop&) = delete;

  // As Listener::Start().
  Status StartBound(std::string_view address);
  Status StartAdopted(int fd);
  bool running() const { return thread_.started(); }

  // As of the Listener.
  Status Park();
  void Unpark();

  // In a fork child: closes the descriptors. The object must not be destroyed afterwards.
  void ForgetInChild();

 private:
  enum class Wish { kRun, kPark, kStop };

  Status Launch();
  void SetWish(Wish wish);
  void Wake() const;
  // Everything below runs on the thread.
  void Run();
  bool ObeyWish();
  void Round();
  void RetryBind(TimePoint now);
  void Opened();
  // The first n_polled_ of polled_ are set; slots_[i] is the connection of polled_[i], or nullptr.
  void FillPollSet(TimePoint now);
  void AddToPollSet(int fd, short events, Connection* slot);
  int PollMillis(TimePoint now) const;
  void StepAll();
  void Accept(TimePoint now);
  bool FindDescriptor(TimePoint now);
  Connection* FreeSlot();
  Connection* OldestSending(TimePoint now);
  Connection* Victim(TimePoint now);
  bool MakeRoom();

  const Clock& clock_;
  const Log& log_;
  std::atomic<int>* const port_;
  const ConnectionContext context_;
  ListenAddress wanted_;
  Acceptor acceptor_;
  int wake_fd_ = -1;
  TimePoint next_bind_;
  Duration bind_pause_;
  TimePoint accept_after_;
  bool accepting_ = false;
  std::deque<Connection> connections_;
  static constexpr size_t kMaxPolled = Listener::kSlots + 2;
  std::array<pollfd, kMaxPolled> polled_;
  std::array<Connection*, kMaxPolled> slots_;
  size_t n_polled_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  Wish wish_ = Wish::kRun;  // guarded by mutex_
  bool parked_ = false;     // guarded by mutex_
  Thread thread_;
};

}  // namespace promplug
