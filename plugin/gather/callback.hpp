// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "gather/collected_output.hpp"
#include "gather/collector_writer.hpp"
#include "gather/sources.hpp"
#include "metrics/point.hpp"

namespace promplug {

struct Callback;

// The one series of a registered value. Immutable.
struct ValueSeries {
  MetricType type = MetricType::kGauge;
  std::string name;
  std::string help;
  std::string labels;  // rendered
  bool quoted_labels = false;
  ProcessMode process_mode = ProcessMode::kDefault;
};

// What one callback said: a value where it is one, else families.
struct CallbackOutput {
  std::shared_ptr<const CollectedOutput> families;
  bool is_integer = false;
  uint64_t integer = 0;
  double value = 0;
};

// What a gather wants of one callback.
struct GatherSlot {
  std::shared_ptr<Callback> callback;
  bool pending = false;
  bool has_output = false;
  CallbackOutput output;
};

// A gather under way. Everything but the first block is guarded by the engine's mutex until
// `finished`, when the slots are the owner's.
struct GatherState {
  // Constant once the engine knows it.
  TimePoint deadline = TimePoint::max();
  std::function<void()> ready;

  std::vector<GatherSlot> slots;
  size_t pending = 0;
  bool finished = false;
  bool cancelled = false;
  bool calling = false;  // ready() is being called, by
  std::thread::id caller;
  // The next of those whose ready() is due: a list that needs no memory.
  std::shared_ptr<GatherState> next_ready;
};

// A gather that waits for a callback.
struct Waiter {
  std::shared_ptr<GatherState> gather;
  size_t slot = 0;
};

enum class CallbackState {
  kIdle,
  kQueued,   // due
  kOverdue,  // due for so long that gathers do not wait for it: the host's loop does not call us
  kRunning,
  kLate,  // inside, but given up
};

// Something of the host that is asked at each gather.
struct Callback {
  // Constant once registered. Exactly one of collect, read, cell is set.
  uint64_t id = 0;
  std::string name;  // the collector's, or the family's
  std::function<Status(CollectorWriter&)> collect;
  std::function<Status(double*)> read;
  const void* cell = nullptr;
  CellType cell_type = CellType::kF64;
  std::shared_ptr<const ValueSeries> series;  // not for collectors
  std::function<void()> release;
  Duration timeout{};
  Duration min_interval{};
  bool on_loop = false;
  bool one_process = false;  // of a set, only one runs it
  bool internal = false;     // the plugin's own: not counted among the host's

  // Of the run under way; read by its writer without a lock.
  std::atomic<TimePoint::rep> deadline{0};

  // Guarded by the engine's mutex.
  CallbackState state = CallbackState::kIdle;
  TimePoint began;  // where it is inside; where it is queued for the loop: when
  std::vector<Waiter> waiters;
  bool has_last = false;  // of min_interval
  CallbackOutput last;
  TimePoint last_at;
  bool failing = false;  // said so in the log
  bool refusal_logged = false;
  bool removed = false;
  enum class Release { kNot, kCalling, kDone } released = Release::kNot;

  bool inside() const { return state == CallbackState::kRunning || state == CallbackState::kLate; }
};

}  // namespace promplug
