// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "gather/gatherer.hpp"
#include "support/fake_gathering.hpp"

namespace promplug::test {

// One counter: kSmallText is how it reads.
inline constexpr std::string_view kSmallText =
    "# HELP photos_total Photos.\n# TYPE photos_total counter\nphotos_total 3\n";
inline Gathering SmallGathering() {
  Gathering gathering;
  testing::AddFamily(&gathering, MetricType::kCounter, "photos_total", "Photos.",
                     {testing::FakePoint::Integer("", 3)});
  return gathering;
}

// A gauge with `lines` series of about 100 bytes each, which take no memory.
inline Gathering LargeGathering(size_t lines) {
  struct Points {
    std::string labels = "{route=\"/albums/{id}/photos/{photo}/thumbnail\",status=\"200\"}";
    std::vector<Point> points;
  };
  auto owner = std::make_shared<Points>();
  owner->points.resize(16);
  for (Point& point : owner->points) {
    point.labels = owner->labels;
    point.value = 0.123456789012345;
  }
  Gathering gathering;
  testing::AddFamily(&gathering, MetricType::kGauge, "large", "Large.",
                     std::make_unique<testing::RepeatingSource>(owner->points, lines / 16));
  gathering.keep_alive.push_back(std::move(owner));
  return gathering;
}

// Gives what `make` makes; at once, or when the test says so. Thread-safe.
class FakeGatherer final : public Gatherer {
 public:
  explicit FakeGatherer(std::function<Gathering()> make = SmallGathering)
      : make_(std::move(make)) {}

  // Holds the runs that begin from now on until Finish().
  void Hold() { Set(true); }
  // Makes all runs ready, and calls back those that want it on this thread.
  void Finish() {
    Set(false);
    std::vector<std::shared_ptr<State>> held;
    {
      std::lock_guard lock(mutex_);
      held.swap(held_);
    }
    for (const auto& state : held) state->Finish();
  }
  // Returns once n runs have begun in all; false after ten seconds without that.
  bool WaitForRuns(size_t n) {
    std::unique_lock lock(mutex_);
    return begun_.wait_for(lock, std::chrono::seconds(10), [&] { return requests_.size() >= n; });
  }
  std::vector<GatherRequest> requests() const {
    std::lock_guard lock(mutex_);
    return requests_;
  }

  std::unique_ptr<GatherRun> Start(GatherRequest request, std::function<void()> ready) override {
    auto state = std::make_shared<State>();
    std::lock_guard lock(mutex_);
    requests_.push_back(std::move(request));
    begun_.notify_all();
    if (holding_) {
      state->callback = std::move(ready);
      held_.push_back(state);
    } else {
      state->ready = true;
    }
    return std::make_unique<Run>(std::move(state), make_);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    std::function<void()> callback;
    bool ready = false;

    void Finish() {
      std::lock_guard lock(mutex);
      ready = true;
      changed.notify_all();
      if (callback) callback();
    }
  };

  class Run final : public GatherRun {
   public:
    Run(std::shared_ptr<State> state, std::function<Gathering()> make)
        : state_(std::move(state)), make_(std::move(make)) {}
    ~Run() override {
      std::lock_guard lock(state_->mutex);
      state_->callback = nullptr;
    }
    bool Ready() const override {
      std::lock_guard lock(state_->mutex);
      return state_->ready;
    }
    void Wait() override {
      std::unique_lock lock(state_->mutex);
      state_->changed.wait(lock, [this] { return state_->ready; });
    }
    Gathering Take() override { return make_(); }

   private:
    const std::shared_ptr<State> state_;
    const std::function<Gathering()> make_;
  };

  void Set(bool holding) {
    std::lock_guard lock(mutex_);
    holding_ = holding;
  }

  const std::function<Gathering()> make_;
  mutable std::mutex mutex_;
  std::condition_variable begun_;
  std::vector<GatherRequest> requests_;
  std::vector<std::shared_ptr<State>> held_;
  bool holding_ = false;
};

}  // namespace promplug::test
