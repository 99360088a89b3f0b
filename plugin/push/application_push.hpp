// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <set>
#include <string>

#include "gather/gatherer.hpp"
#include "push/delivery.hpp"
#include "push/push_log.hpp"

namespace promplug {

// Pushes what the plugin itself can say. Used by one thread.
class ApplicationPush {
 public:
  // `gatherer` must outlive it.
  ApplicationPush(const PushTools& tools, std::string group, Gatherer& gatherer);

  PushOutcome Push(const PushBudget& budget);
  PushOutcome Delete(TimePoint deadline);

 private:
  std::unique_ptr<StagedBody> Stage(const std::set<std::string>& exclude, TimePoint deadline,
                                    Status* why);

  const PushTools tools_;
  Gatherer& gatherer_;
  Delivery delivery_;
  PushLog log_;
};

}  // namespace promplug
