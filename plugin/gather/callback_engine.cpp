// SPDX-License-Identifier: MIT
#include "gather/callback_engine.hpp"

#include <cxxabi.h>
#include <pthread.h>

#include <algorithm>
#include <utility>

#include "gather/engine_section.hpp"

namespace promplug {

TimePoint After(TimePoint now, Duration duration) {
  return duration > TimePoint::max() - now ? TimePoint::max() : now + duration;
}

bool InsideTable::Enter() {
  for (std::atomic<uintptr_t>& thread : threads_) {
    uintptr_t free = 0;
    if (thread.compare_exchange_strong(free, static_cast<uintptr_t>(pthread_self()))) return true;
  }
  return false;
}

void InsideTable::Leave() {
  for (std::atomic<uintptr_t>& thread : threads_) {
    if (thread.load() != static_cast<uintptr_t>(pthread_self())) continue;
    thread.store(0);
    return;
  }
}

bool InsideTable::Contains() const {
  return std::any_of(threads_.begin(), threads_.end(), [](const std::atomic<uintptr_t>& thread) {
    return thread.load() == static_cast<uintptr_t>(pthread_self());
  });
}

void InsideTable::Clear() {
  for (std::atomic<uintptr_t>& thread : threads_) thread.store(0);
}

CallbackEngine::CallbackEngine(SelfMetrics* self, const Log& log, const Clock& clock,
                               SourcesHooks hooks)
    : self_(self),
      log_(log),
      clock_(clock),
      hooks_(std::move(hooks)),
      conditions_(std::make_unique<Conditions>()) {
  // As many as inside_ has places: RunOne() must not fail.
  inside_callbacks_.reserve(InsideTable::kThreads + Sources::kMaxStuck + 1);
}

CallbackEngine::~CallbackEngine() {
  while (!Stop(std::chrono::hours(1)).ok()) {
  }
  Section section(this);
  while (!registrations_.all().empty()) {
    leaving_.insert(registrations_.Take(registrations_.all().begin()->first));
  }
  for (const std::shared_ptr<Callback>& callback : leaving_) {
    if (callback->released == Callback::Release::kNot) Release(&section, callback);
  }
}

void CallbackEngine::SetLimits(Duration timeout, uint64_t max_output_bytes) {
  Section section(this);
  timeout_ = timeout;
  max_output_bytes_ = max_output_bytes;
}

Result<uint64_t> CallbackEngine::Add(std::shared_ptr<Callback> callback) {
  Section section(this);
  return registrations_.Add(std::move(callback));
}

Status CallbackEngine::Remove(uint64_t id, Duration timeout) {
  if (InsideCallback()) return Status(Code::kReentrant, "unregister from inside a callback");
  Section section(this);
  std::shared_ptr<Callback> callback = registrations_.Take(id);
  if (callback != nullptr) {
    callback->removed = true;
    leaving_.insert(callback);
    FillSlots(callback.get(), nullptr, section.effects());
    if (!callback->inside()) callback->state = CallbackState::kIdle;
    for (auto* queue : {&queue_, &loop_queue_}) std::erase(*queue, callback);
    callback->last = CallbackOutput();
    const bool last_of_name =
        callback->series == nullptr || !registrations_.HasValuesOf(callback->name);
    if (self_ != nullptr && last_of_name) self_->CollectorGone(callback->name);
  } else {
    const auto found = std::find_if(leaving_.begin(), leaving_.end(),
                                    [id](const auto& leaving) { return leaving->id == id; });
    if (found == leaving_.end()) return Status(Code::kNotFound, "no such registration");
    callback = *found;
  }
  const TimePoint deadline = After(clock_.Now(), timeout);
  while (callback->released != Callback::Release::kDone) {
    if (!callback->inside() && callback->released == Callback::Release::kNot) {
      Release(&section, callback);
      continue;
    }
    if (clock_.Now() >= deadline) {
      return Status(Code::kTimeout, "the callback is still inside");
    }
    section.WaitUntil(conditions_->changed, deadline);
  }
  leaving_.erase(callback);
  return Status();
}

void CallbackEngine::Release(Section* section, const std::shared_ptr<Callback>& callback) {
  callback->released = Callback::Release::kCalling;
  section->Unlock();
  if (callback->release) {
    const bool entered = inside_.Enter();
    callback->release();
    if (entered) inside_.Leave();
  }
  // Nobody enters them any more; what they hold may end here.
  callback->collect = nullptr;
  callback->read = nullptr;
  callback->release = nullptr;
  section->Lock();
  callback->released = Callback::Release::kDone;
  conditions_->changed.notify_all();
}

void CallbackEngine::Ask(const std::shared_ptr<GatherState>& gather,
                         const std::function<bool(const Callback&)>& wants,
                         const std::shared_ptr<Callback>& last) {
  Section section(this);
  gathers_.insert(gather);
  gather->slots.reserve(registrations_.all().size() + 1);
  for (const auto& [id, callback] : registrations_.all()) {
    if (wants(*callback)) AskOne(gather, callback, section.effects());
  }
  if (last != nullptr) AskOne(gather, last, section.effects());
  if (gather->pending == 0) {
    gather->finished = true;
    return;
  }
  if (!queue_.empty()) conditions_->work.notify_all();
  PokeHouse(gather->deadline);
}

void CallbackEngine::AskOne(const std::shared_ptr<GatherState>& gather,
                            const std::shared_ptr<Callback>& callback, Effects* effects) {
  GatherSlot& slot = gather->slots.emplace_back();
  slot.callback = callback;
  if (callback->cell != nullptr) {
    slot.output = ReadCell(callback->cell, callback->cell_type);
    slot.has_output = callback->series->type != MetricType::kCounter || slot.output.is_integer ||
                      slot.output.value >= 0;
    return;
  }
  const TimePoint now = clock_.Now();
  if (callback->has_last && now - callback->last_at < callback->min_interval) {
    slot.output = callback->last;
    slot.has_output = true;
    return;
  }
  if (threads_ != Threads::kRunning) return;
  const bool no_thread = !callback->on_loop && !WorkerPossible();
  if (callback->state == CallbackState::kLate || callback->state == CallbackState::kOverdue ||
      (no_thread && callback->state != CallbackState::kRunning)) {
    // A wake that the host lost must not silence the collector for ever.
    if (callback->state == CallbackState::kOverdue) effects->wake = true;
    Report(callback.get(), "busy", no_thread ? "too many callbacks are stuck" : "still inside", {},
           effects);
    return;
  }
  callback->waiters.push_back({gather, gather->slots.size() - 1});
  slot.pending = true;
  ++gather->pending;
  if (callback->state == CallbackState::kIdle) {
    JoinQueue(callback, now, effects);
  } else if (callback->inside() || callback->on_loop) {
    // Shares the run, whose deadline may be that of a more hurried gather.
    const TimePoint deadline =
        std::min(After(callback->began, TimeoutOf(*callback)), gather->deadline);
    const TimePoint::rep ticks = deadline.time_since_epoch().count();
    if (ticks > callback->deadline.load(std::memory_order_relaxed)) callback->deadline = ticks;
  }
}

void CallbackEngine::JoinQueue(const std::shared_ptr<Callback>& callback, TimePoint now,
                               Effects* effects) {
  (callback->on_loop ? loop_queue_ : queue_).push_back(callback);
  callback->state = CallbackState::kQueued;
  callback->began = now;
  if (!callback->on_loop) return;
  callback->deadline = FirstDeadline(*callback, now, false).time_since_epoch().count();
  effects->wake = true;
}

TimePoint CallbackEngine::FirstDeadline(const Callback& callback, TimePoint now,
                                        bool others_due) const {
  TimePoint latest = now;
  for (const Waiter& waiter : callback.waiters) latest = std::max(latest, waiter.gather->deadline);
  // Where others are due behind it, a stuck one must leave them some of the gather's time.
  if (others_due) latest = now + (latest - now) / 4 * 3;
  return std::min(latest, After(now, TimeoutOf(callback)));
}

Duration CallbackEngine::TimeoutOf(const Callback& callback) const {
  return callback.timeout > Duration::zero() ? callback.timeout : timeout_;
}

std::shared_ptr<Callback> CallbackEngine::PopDue(std::deque<std::shared_ptr<Callback>>* queue) {
  while (!queue->empty()) {
    std::shared_ptr<Callback> callback = std::move(queue->front());
    queue->pop_front();
    if (!callback->waiters.empty()) return callback;
    callback->state = CallbackState::kIdle;
  }
  return nullptr;
}

void CallbackEngine::TakePlaceBack(Worker* worker) {
  if (worker == nullptr || !worker->replaced || current_ != nullptr || ending_) return;
  worker->replaced = false;
  current_ = worker;
}

// As in RunCallback(): the unwinding has no object.
__attribute__((no_sanitize("null"))) void CallbackEngine::RunOne(
    Section* section, const std::shared_ptr<Callback>& callback, Worker* worker) {
  const TimePoint now = clock_.Now();
  const auto& queue = callback->on_loop ? loop_queue_ : queue_;
  const TimePoint deadline = FirstDeadline(*callback, now, !queue.empty());
  callback->deadline = deadline.time_since_epoch().count();
  callback->began = now;
  callback->state = CallbackState::kRunning;
  inside_callbacks_.push_back(callback);
  PokeHouse(deadline);
  const uint64_t max_output_bytes = max_output_bytes_;
  section->Unlock();
  CallbackOutcome outcome;
  const auto finish = [&] {
    inside_.Leave();
    section->Lock();
    std::erase(inside_callbacks_, callback);
    Finish(callback, &outcome, section->effects());
    TakePlaceBack(worker);
    conditions_->changed.notify_all();
    if (callback->removed && callback->released == Callback::Release::kNot) {
      // release() has no deadline: another thread may take the place of this one meanwhile.
      if (worker != nullptr && current_ == worker) {
        worker->replaced = true;
        current_ = nullptr;
        if (WorkerPossible()) (void)EnsureWorker();
      }
      Release(section, callback);
      TakePlaceBack(worker);
    }
  };
  try {
    outcome = RunCallback(*callback, max_output_bytes, clock_);
  } catch (const abi::__forced_unwind&) {
    outcome.reason = "exception";
    outcome.text = "it ended its thread";
    finish();
    throw;
  } catch (...) {
    outcome.reason = "exception";
  }
  finish();
}

void CallbackEngine::Finish(const std::shared_ptr<Callback>& callback, CallbackOutcome* outcome,
                            Effects* effects) {
  const TimePoint now = clock_.Now();
  const bool given_up = callback->state == CallbackState::kLate;
  callback->state = CallbackState::kIdle;
  if (callback->removed || given_up) return;
  if (now.time_since_epoch().count() >= callback->deadline.load(std::memory_order_relaxed)) {
    outcome->reason = "timeout";
    outcome->text = "returned too late";
  }
  const bool ok = *outcome->reason == '\0';
  Report(callback.get(), outcome->reason, outcome->text, outcome->took, effects);
  ReportRefusals(callback.get(), outcome->refusals, effects);
  if (ok && callback->min_interval > Duration::zero()) {
    callback->last = outcome->output;
    callback->last_at = now;
    callback->has_last = true;
  }
  FillSlots(callback.get(), ok ? &outcome->output : nullptr, effects);
}

bool CallbackEngine::RunPending(Duration max) {
  Section section(this);
  const TimePoint last_begin = After(clock_.Now(), max);
  while (!ending_ && clock_.Now() <= last_begin) {
    const std::shared_ptr<Callback> callback = PopDue(&loop_queue_);
    if (callback == nullptr) break;
    if (!inside_.Enter()) {
      loop_queue_.push_front(callback);
      break;
    }
    RunOne(&section, callback, nullptr);
  }
  return !loop_queue_.empty();
}

bool CallbackEngine::AnyStuck() const {
  const std::lock_guard lock(mutex_);
  return std::any_of(inside_callbacks_.begin(), inside_callbacks_.end(),
                     [](const auto& callback) { return callback->state == CallbackState::kLate; });
}

bool CallbackEngine::Finished(const GatherState& gather) const {
  const std::lock_guard lock(mutex_);
  return gather.finished;
}

void CallbackEngine::Wait(const std::shared_ptr<GatherState>& gather) {
  Section section(this);
  while (!gather->finished) {
    const TimePoint now = clock_.Now();
    if (now >= gather->deadline) {
      // The supervisor does this, too; but it may be held up in a hook of the host.
      HandleDeadlines(now, section.effects());
    } else {
      section.WaitUntil(conditions_->changed, gather->deadline);
    }
  }
}

void CallbackEngine::Cancel(const std::shared_ptr<GatherState>& gather) {
  Section section(this);
  gather->cancelled = true;
  DropWaiters(*gather);
  gathers_.erase(gather);
  while (gather->calling && gather->caller != std::this_thread::get_id()) {
    section.WaitUntil(conditions_->changed, TimePoint::max());
  }
}

}  // namespace promplug
