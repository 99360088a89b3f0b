// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gather/sources.hpp"
#include "metrics/registry.hpp"
#include "metrics/self_metrics.hpp"
#include "support/manual_clock.hpp"

namespace promplug::test {

inline constexpr auto kPatience = std::chrono::seconds(20);

// Polls until the condition holds; false after kPatience.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Holds a callback until the test opens it.
class Gate {
 public:
  // In the callback.
  void Pass() {
    std::unique_lock lock(mutex_);
    ++entered_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void Open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  bool WaitEntered(int times = 1) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return entered_ >= times; });
  }
  int entered() {
    const std::lock_guard lock(mutex_);
    return entered_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int entered_ = 0;
};

class LogLines {
 public:
  LogLines()
      : log_([this](LogLevel level, std::string_view text) {
          const std::lock_guard lock(mutex_);
          lines_.emplace_back(level, text);
        }) {}
  const Log& log() const { return log_; }
  // How many lines have this in them.
  size_t Count(std::string_view text) {
    const std::lock_guard lock(mutex_);
    size_t n = 0;
    for (const auto& line : lines_) n += line.second.find(text) != std::string::npos;
    return n;
  }

 private:
  std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
  Log log_;
};

inline std::string ToText(double value) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end.ptr);
}

// One series in short: name{labels} and its value; buckets as counts, sums and quantiles behind.
inline std::string ToText(const FamilyHead& head, const Point& point) {
  std::string text = std::string(head.name) + std::string(point.labels);
  if (point.counts != nullptr) {
    for (size_t i = 0; i <= point.n_bounds; ++i) text += " " + std::to_string(point.counts[i]);
    return text + " sum " + ToText(point.sum);
  }
  text += " " + (point.is_integer ? std::to_string(point.integer) : ToText(point.value));
  for (size_t i = 0; i < point.n_quantiles; ++i) {
    text += " q" + ToText(point.quantiles[i]) + "=" + ToText(point.quantile_values[i]);
  }
  return text;
}

inline std::vector<std::string> Lines(Gathering gathering) {
  std::vector<std::string> lines;
  for (GatheredFamily& family : gathering.families) {
    for (const auto& part : family.parts) {
      Point points[3];
      while (const size_t n = part->Next(points, 3)) {
        for (size_t i = 0; i < n; ++i) lines.push_back(ToText(family.head, points[i]));
      }
    }
  }
  return lines;
}

// Sources with a clock that stands still.
class Bench {
 public:
  explicit Bench(SourcesOptions options = {}, SourcesHooks hooks = {})
      : sources(instruments, &self, log.log(), clock, options, std::move(hooks)) {}
  ~Bench() {
    for (Gate& gate : gates_) gate.Open();
  }

  // Opened at the latest when this ends, so that no callback stays inside.
  Gate& NewGate() { return gates_.emplace_back(); }

  // A gather of the host's collectors and values only, waited for.
  std::vector<std::string> Gather(Duration within = std::chrono::seconds(10)) {
    auto run = Begin(within);
    run->Wait();
    return Lines(run->Take());
  }
  std::unique_ptr<GatherRun> Begin(Duration within = std::chrono::seconds(10),
                                   std::function<void()> ready = {}) {
    GatherRequest request;
    request.sources = kGatherCollectors;
    request.deadline = clock.Now() + within;
    return sources.Start(std::move(request), std::move(ready));
  }
  // What the self metrics say, as lines.
  std::vector<std::string> SelfLines() {
    GatherRequest request;
    request.sources = kGatherSelf;
    return Lines(sources.Start(std::move(request), {})->Take());
  }
  bool SelfSays(const std::string& line) {
    for (const std::string& said : SelfLines()) {
      if (said == line) return true;
    }
    return false;
  }

  ManualClock clock;
  LogLines log;
  Registry instruments{clock};
  SelfMetrics self{clock, "test"};

 private:
  std::deque<Gate> gates_;

 public:
  Sources sources;
};

// A collector that says one gauge of its own name.
inline CollectorSpec OneGauge(const std::string& name, double value = 1) {
  CollectorSpec spec;
  spec.name = name;
  spec.collect = [name, value](CollectorWriter& writer) {
    Status status = writer.BeginFamily({MetricType::kGauge, name, "Help.", {}});
    if (!status.ok()) return status;
    Point point;
    point.value = value;
    return writer.Add(nullptr, 0, point);
  };
  return spec;
}

// The same, but it stops at the gate first.
inline CollectorSpec Gated(const std::string& name, Gate* gate) {
  CollectorSpec spec = OneGauge(name);
  spec.collect = [inner = spec.collect, gate](CollectorWriter& writer) {
    gate->Pass();
    return inner(writer);
  };
  return spec;
}

inline ValueSpec ValueOf(std::string_view name, std::vector<Label> labels,
                         std::function<Status(double*)> read) {
  ValueSpec spec;
  spec.name = name;
  spec.help = "Help.";
  spec.labels = std::move(labels);
  spec.read = std::move(read);
  return spec;
}

}  // namespace promplug::test
