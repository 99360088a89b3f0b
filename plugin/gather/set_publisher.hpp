// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "gather/gatherer.hpp"
#include "gather/kept_outputs.hpp"
#include "multiprocess/set_loop.hpp"

namespace promplug {

// Collects what this process says beside its instruments, for the other processes of its set. The
// counters, histograms and summaries of a collector or value that is late or fails are published as
// it said them last, as long as it is registered: without them the sum of the set would fall. Those
// for one process are forgotten with the lease: another process may have said more since.
class SetPublisher final : public SetCollector {
 public:
  // Both must outlive it. One collection takes no longer than about `timeout`.
  SetPublisher(Gatherer& gatherer, const Clock& clock, Duration timeout)
      : gatherer_(gatherer), clock_(clock), timeout_(timeout) {}

  // From the next collection on. Thread-safe.
  void SetTimeout(Duration timeout) { timeout_.store(timeout, std::memory_order_relaxed); }

  void Begin(bool with_one_process, std::function<void()> ready) override;
  bool Ready() const override;
  std::string Take() override;
  void Cancel() override {
    parts_.clear();
    kept_one_.Forget();
  }

 private:
  struct Part {
    PartKind kind;
    bool one_process;
    std::unique_ptr<GatherRun> run;
  };

  Gatherer& gatherer_;
  const Clock& clock_;
  std::atomic<Duration> timeout_;
  KeptOutputs kept_;
  KeptOutputs kept_one_;  // of those for one process
  std::vector<Part> parts_;
};

}  // namespace promplug
