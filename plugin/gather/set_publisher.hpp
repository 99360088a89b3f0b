// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "gather/gatherer.hpp"
#include "multiprocess/set_loop.hpp"

namespace promplug {

// Collects what this process says beside its instruments, for the other processes of its set.
class SetPublisher final : public SetCollector {
 public:
  // Both must outlive it. One collection takes no longer than about `timeout`.
  SetPublisher(Gatherer& gatherer, const Clock& clock, Duration timeout)
      : gatherer_(gatherer), clock_(clock), timeout_(timeout) {}

  void Begin(bool with_one_process, std::function<void()> ready) override;
  bool Ready() const override;
  std::string Take() override;
  void Cancel() override { parts_.clear(); }

 private:
  struct Part {
    PartKind kind;
    bool one_process;
    std::unique_ptr<GatherRun> run;
  };

  Gatherer& gatherer_;
  const Clock& clock_;
  const Duration timeout_;
  std::vector<Part> parts_;
};

}  // namespace promplug
