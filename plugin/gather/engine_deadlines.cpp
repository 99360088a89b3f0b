// SPDX-License-Identifier: MIT
#include <algorithm>
#include <new>
#include <thread>
#include <utility>

#include "base/text.hpp"
#include "gather/callback_engine.hpp"

namespace promplug {
namespace {

TimePoint DeadlineOf(const Callback& callback) {
  return TimePoint(TimePoint::duration(callback.deadline.load(std::memory_order_relaxed)));
}

std::string NameOf(const Callback& callback) {
  return callback.series == nullptr ? "collector " + Quoted(callback.name)
                                    : "value " + callback.name + callback.series->labels;
}

}  // namespace

TimePoint CallbackEngine::NextDeadline() const {
  TimePoint next = TimePoint::max();
  for (const auto& gather : gathers_) {
    if (!gather->finished) next = std::min(next, gather->deadline);
  }
  for (const auto& callback : inside_callbacks_) {
    if (callback->state == CallbackState::kRunning) next = std::min(next, DeadlineOf(*callback));
  }
  for (const auto& callback : loop_queue_) {
    if (callback->state == CallbackState::kQueued) next = std::min(next, DeadlineOf(*callback));
  }
  return next;
}

void CallbackEngine::HandleDeadlines(TimePoint now, Effects* effects) {
  for (const auto& callback : inside_callbacks_) {
    if (callback->state == CallbackState::kRunning && DeadlineOf(*callback) <= now) {
      GiveUp(callback, effects);
    }
  }
  for (const auto& callback : loop_queue_) {
    if (callback->state != CallbackState::kQueued || DeadlineOf(*callback) > now) continue;
    // Whoever has cancelled does not tell whether the host's loop is stuck.
    if (callback->waiters.empty()) continue;
    callback->state = CallbackState::kOverdue;
    Report(callback.get(), "timeout", "run_pending was not called in time", now - callback->began,
           effects);
    FillSlots(callback.get(), nullptr, effects);
  }
  for (const auto& gather : gathers_) {
    if (!gather->finished && gather->deadline <= now) HandleGatherDeadline(gather, effects);
  }
}

void CallbackEngine::HandleGatherDeadline(const std::shared_ptr<GatherState>& gather,
                                          Effects* effects) {
  for (const GatherSlot& slot : gather->slots) {
    if (!slot.pending) continue;
    Report(slot.callback.get(), "timeout", "the gather's deadline came first", {}, effects);
  }
  DropWaiters(*gather);
  FinishGather(gather, effects);
}

void CallbackEngine::GiveUp(const std::shared_ptr<Callback>& callback, Effects* effects) {
  callback->state = CallbackState::kLate;
  if (!callback->removed) {
    Report(callback.get(), "timeout", "it has not returned in time", clock_.Now() - callback->began,
           effects);
    FillSlots(callback.get(), nullptr, effects);
  }
  if (callback->on_loop || current_ == nullptr) return;
  // Only the current worker can be inside a callback that was not late yet.
  current_->replaced = true;
  current_ = nullptr;
  if (WorkerPossible()) {
    // Where there is no thread to be had, the supervisor tries again.
    (void)EnsureWorker();
  } else {
    FlushQueue(effects);
  }
}

void CallbackEngine::FlushQueue(Effects* effects) {
  while (!queue_.empty()) {
    const std::shared_ptr<Callback> callback = std::move(queue_.front());
    queue_.pop_front();
    callback->state = CallbackState::kIdle;
    if (callback->waiters.empty()) continue;
    Report(callback.get(), "busy", "too many callbacks are stuck", {}, effects);
    FillSlots(callback.get(), nullptr, effects);
  }
}

void CallbackEngine::FillSlots(Callback* callback, const CallbackOutput* output, Effects* effects) {
  for (const Waiter& waiter : std::exchange(callback->waiters, {})) {
    GatherSlot& slot = waiter.gather->slots[waiter.slot];
    slot.pending = false;
    slot.has_output = output != nullptr;
    if (output != nullptr) slot.output = *output;
    if (--waiter.gather->pending == 0) FinishGather(waiter.gather, effects);
  }
}

void CallbackEngine::FinishGather(const std::shared_ptr<GatherState>& gather, Effects* effects) {
  gather->finished = true;
  if (gather->ready && !gather->cancelled) {
    gather->next_ready = std::exchange(effects->ready, gather);
  }
  conditions_->changed.notify_all();
}

void CallbackEngine::FinishAllGathers(Effects* effects) {
  for (const auto& gather : gathers_) {
    if (gather->finished) continue;
    DropWaiters(*gather);
    FinishGather(gather, effects);
  }
  EmptyQueues();
}

void CallbackEngine::EmptyQueues() {
  for (auto* queue : {&queue_, &loop_queue_}) {
    for (const auto& callback : *queue) callback->state = CallbackState::kIdle;
    queue->clear();
  }
}

void CallbackEngine::DropWaiters(const GatherState& gather) {
  for (const GatherSlot& slot : gather.slots) {
    if (!slot.pending) continue;
    std::erase_if(slot.callback->waiters,
                  [&](const Waiter& waiter) { return waiter.gather.get() == &gather; });
  }
}

// Does not throw, as ReportRefusals(): what is said about a run is worth less than the run.
void CallbackEngine::Report(Callback* callback, const char* reason, const std::string& text,
                            Duration took, Effects* effects) try {
  const bool failed = *reason != '\0';
  const bool changed = callback->failing != failed;
  // The runs of a value that go well are not worth three updates each.
  const bool counted = callback->series == nullptr || failed || changed;
  if (self_ != nullptr && !callback->internal && counted) {
    self_->Collected(callback->name, reason, took);
  }
  if (!changed) return;
  callback->failing = failed;
  if (failed) {
    effects->lines.emplace_back(LogLevel::kWarn,
                                NameOf(*callback) + " is left out (" + reason + "): " + text);
  } else {
    effects->lines.emplace_back(LogLevel::kInfo, NameOf(*callback) + " works again");
  }
} catch (const std::bad_alloc&) {
}

void CallbackEngine::ReportRefusals(Callback* callback, const WriterRefusals& refusals,
                                    Effects* effects) try {
  if (self_ != nullptr && refusals.invalid != 0) self_->SeriesRefused("invalid", refusals.invalid);
  if (self_ != nullptr && refusals.duplicates != 0) {
    self_->SeriesRefused("duplicate", refusals.duplicates);
  }
  if (callback->refusal_logged || refusals.first.empty()) return;
  callback->refusal_logged = true;
  effects->lines.emplace_back(
      LogLevel::kWarn,
      NameOf(*callback) + " says what is not valid (said once): " + refusals.first);
} catch (const std::bad_alloc&) {
}

void CallbackEngine::Do(Effects* effects) {
  try {
    for (const auto& [level, line] : effects->lines) log_.Write(level, line);
  } catch (const std::bad_alloc&) {
    // The lines are the least of it; who waits has to be told all the same.
  }
  if (effects->wake && hooks_.wake) hooks_.wake();
  while (effects->ready != nullptr) {
    const std::shared_ptr<GatherState> gather = std::move(effects->ready);
    effects->ready = std::move(gather->next_ready);
    CallReady(gather);
  }
}

void CallbackEngine::CallReady(const std::shared_ptr<GatherState>& gather) {
  {
    const std::lock_guard lock(mutex_);
    if (gather->cancelled) return;
    gather->calling = true;
    gather->caller = std::this_thread::get_id();
  }
  gather->ready();
  const std::lock_guard lock(mutex_);
  gather->calling = false;
  conditions_->changed.notify_all();
}

void CallbackEngine::PokeHouse(TimePoint deadline) {
  if (deadline >= house_wakes_at_) return;
  house_wakes_at_ = deadline;
  conditions_->house.notify_all();
}

}  // namespace promplug
