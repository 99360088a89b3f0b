// SPDX-License-Identifier: MIT
#include "serve/listen_loop.hpp"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace promplug {
namespace {

using std::chrono::milliseconds;

constexpr Duration kFirstBindPause = milliseconds(200);
constexpr Duration kLongestBindPause = std::chrono::seconds(2);
constexpr Duration kParkTimeout = std::chrono::seconds(2);
// How long nothing is accepted when it cannot be done now, so that it does not spin.
constexpr Duration kAcceptPause = milliseconds(100);
// An answer that takes its client longer to read than this gives way where room is needed.
constexpr Duration kSendingGrace = milliseconds(500);
constexpr Duration kLongestPoll = std::chrono::seconds(60);
// A flood of connections must leave the earlier ones the time to send their request.
constexpr int kMaxAcceptsPerRound = 16;

// Where going on at once would spin.
void Rest() { poll(nullptr, 0, static_cast<int>(kAcceptPause / milliseconds(1))); }

}  // namespace

ListenLoop::ListenLoop(ScrapeHandler& handler, const Clock& clock, const Log& log,
                       Duration answer_timeout, std::atomic<int>* port)
    : clock_(clock),
      log_(log),
      port_(port),
      context_{handler, clock, answer_timeout, [this] { Wake(); }, [this] { return MakeRoom(); }},
      bind_pause_(kFirstBindPause) {
  for (size_t i = 0; i < Listener::kSlots; ++i) connections_.emplace_back(context_);
}

ListenLoop::~ListenLoop() {
  if (running()) {
    SetWish(Wish::kStop);
    thread_.Join();
  }
  // Scrapes wake the loop until they are gone.
  connections_.clear();
  acceptor_.Close();
  if (wake_fd_ >= 0) close(wake_fd_);
}

Status ListenLoop::StartBound(std::string_view address) {
  Result<ListenAddress> parsed = ParseListenAddress(address);
  if (!parsed.ok()) return parsed.status();
  wanted_ = parsed.value();
  const Status bound = acceptor_.Bind(wanted_);
  next_bind_ = clock_.Now() + bind_pause_;
  const Status launched = Launch();
  return launched.ok() ? bound : launched;
}

Status ListenLoop::StartAdopted(int fd) {
  const Status adopted = acceptor_.Adopt(fd);
  return adopted.ok() ? Launch() : adopted;
}

Status ListenLoop::Launch() {
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_fd_ < 0) return Status(Code::kIo, "cannot listen: no descriptor is left");
  if (acceptor_.open()) Opened();
  acceptor_.KeepSpare();
  return thread_.Start("pp-listen", [this] { Run(); });
}

void ListenLoop::SetWish(Wish wish) {
  {
    std::lock_guard lock(mutex_);
    wish_ = wish;
    changed_.notify_all();
  }
  Wake();
}

void ListenLoop::Wake() const {
  const uint64_t one = 1;
  // Full means that a wake-up is pending anyway.
  (void)!write(wake_fd_, &one, sizeof one);
}

Status ListenLoop::Park() {
  SetWish(Wish::kPark);
  const TimePoint deadline = clock_.Now() + kParkTimeout;
  std::unique_lock lock(mutex_);
  while (!parked_ && clock_.Now() < deadline) clock_.WaitUntil(lock, changed_, deadline);
  if (parked_) return Status();
  wish_ = Wish::kRun;
  return Status(Code::kTimeout, "the listener did not come to rest");
}

void ListenLoop::Unpark() { SetWish(Wish::kRun); }

void ListenLoop::ForgetInChild() {
  for (Connection& connection : connections_) connection.ForgetInChild();
  acceptor_.CloseInChild();
  const int fd = std::exchange(wake_fd_, -1);
  if (fd >= 0) close(fd);
  thread_.Abandon();
}

void ListenLoop::Run() {
  while (ObeyWish()) {
    try {
      Round();
    } catch (const std::exception&) {
      Rest();
    }
  }
}

// Whether to go on.
bool ListenLoop::ObeyWish() {
  std::unique_lock lock(mutex_);
  while (wish_ == Wish::kPark) {
    parked_ = true;
    changed_.notify_all();
    clock_.WaitUntil(lock, changed_, TimePoint::max());
  }
  parked_ = false;
  return wish_ == Wish::kRun;
}

void ListenLoop::Round() {
  TimePoint now = clock_.Now();
  if (!acceptor_.open()) RetryBind(now);
  acceptor_.KeepSpare();
  FillPollSet(now);
  const int n = poll(polled_.data(), n_polled_, PollMillis(now));
  now = clock_.Now();
  if (n < 0 && errno != EINTR) {
    // EINVAL: the limit of descriptors was lowered below what is polled.
    if (Connection* victim = Victim(now)) victim->End();
    Rest();
    return;
  }
  uint64_t wakes = 0;
  (void)!read(wake_fd_, &wakes, sizeof wakes);
  if (n > 0) StepAll();
  for (Connection& connection : connections_) {
    if (connection.open() && connection.deadline() <= now) connection.Expire();
  }
  if (n > 0 && accepting_ && polled_[1].revents != 0) Accept(now);
}

void ListenLoop::RetryBind(TimePoint now) {
  if (now < next_bind_) return;
  if (acceptor_.Bind(wanted_).ok()) return Opened();
  bind_pause_ = std::min(bind_pause_ * 2, kLongestBindPause);
  next_bind_ = now + bind_pause_;
}

void ListenLoop::Opened() {
  port_->store(PortOf(acceptor_.address()), std::memory_order_relaxed);
  log_.Info("listening on " + ToText(acceptor_.address()));
}

void ListenLoop::FillPollSet(TimePoint now) {
  n_polled_ = 0;
  AddToPollSet(wake_fd_, POLLIN, nullptr);
  accepting_ =
      acceptor_.open() && now >= accept_after_ && (FreeSlot() != nullptr || Victim(now) != nullptr);
  if (accepting_) AddToPollSet(acceptor_.fd(), POLLIN, nullptr);
  for (Connection& connection : connections_) {
    if (connection.open()) AddToPollSet(connection.fd(), connection.Events(), &connection);
  }
}

void ListenLoop::AddToPollSet(int fd, short events, Connection* slot) {
  polled_[n_polled_] = pollfd{fd, events, 0};
  slots_[n_polled_] = slot;
  ++n_polled_;
}

int ListenLoop::PollMillis(TimePoint now) const {
  TimePoint next = now + kLongestPoll;
  if (!acceptor_.open()) next = std::min(next, next_bind_);
  if (acceptor_.open() && !accepting_) next = std::min(next, now + kAcceptPause);
  for (const Connection& connection : connections_) {
    if (connection.open()) next = std::min(next, connection.deadline());
  }
  const Duration left = std::max(next - now, Duration::zero());
  return static_cast<int>(std::chrono::ceil<milliseconds>(left).count());
}

// Also those that await a scrape, without asking which of them was meant by the wake-up.
void ListenLoop::StepAll() {
  for (size_t i = 0; i < n_polled_; ++i) {
    Connection* const connection = slots_[i];
    // Ended meanwhile by MakeRoom().
    if (connection == nullptr || !connection->open()) continue;
    if (connection->awaits_scrape()) {
      const bool gone = (polled_[i].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
      gone ? connection->End() : connection->Step();
    } else if (polled_[i].revents != 0) {
      connection->Step();
    }
  }
}

void ListenLoop::Accept(TimePoint now) {
  for (int i = 0; i < kMaxAcceptsPerRound; ++i) {
    if (FreeSlot() == nullptr && Victim(now) == nullptr) return;
    int fd = -1;
    const Acceptor::Outcome outcome = acceptor_.Accept(&fd);
    if (outcome == Acceptor::Outcome::kNobody) return;
    if (outcome == Acceptor::Outcome::kNoDescriptors && FindDescriptor(now)) continue;
    if (outcome != Acceptor::Outcome::kAccepted) {
      accept_after_ = now + kAcceptPause;
      return;
    }
    Connection* slot = FreeSlot();
    if (slot == nullptr) {
      slot = Victim(now);
      slot->End();
    }
    slot->Open(fd);
    slot->Step();
  }
}

// Whether there may be a descriptor for one more connection now.
bool ListenLoop::FindDescriptor(TimePoint now) {
  Connection* const victim = Victim(now);
  if (victim == nullptr) return acceptor_.GiveUpSpare();
  victim->End();
  return true;
}

Connection* ListenLoop::FreeSlot() {
  const auto slot = std::find_if(connections_.begin(), connections_.end(),
                                 [](const Connection& c) { return !c.open(); });
  return slot == connections_.end() ? nullptr : &*slot;
}

// The one to give way to a new connection, nullptr if all are being answered.
Connection* ListenLoop::Victim(TimePoint now) {
  Connection* oldest = nullptr;
  for (Connection& connection : connections_) {
    if (!connection.unfinished()) continue;
    if (oldest == nullptr || connection.since() < oldest->since()) oldest = &connection;
  }
  return oldest != nullptr ? oldest : OldestSending(now);
}

Connection* ListenLoop::OldestSending(TimePoint now) {
  Connection* oldest = nullptr;
  for (Connection& connection : connections_) {
    if (!connection.sending() || connection.since() + kSendingGrace > now) continue;
    if (oldest == nullptr || connection.since() < oldest->since()) oldest = &connection;
  }
  return oldest;
}

bool ListenLoop::MakeRoom() {
  Connection* const slow = OldestSending(clock_.Now());
  if (slow == nullptr) return false;
  slow->End();
  return true;
}

}  // namespace promplug
