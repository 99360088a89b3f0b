// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "bench/plugin_host.hpp"
#include "bench/work.hpp"

namespace promplug::bench {

// How many series the family has in which a look-up finds one, and which.
inline constexpr size_t kLookUpSeries = 1000;
inline constexpr size_t kLookedUp = 500;

// An instance with what is updated, one of each kind, and the labels of the series that a
// look-up finds.
struct PluginUpdates {
  explicit PluginUpdates(const Instance::Overrides& overrides = {});

  // One look-up by labels, and an increment.
  int32_t LookUpAndAdd() const {
    return Api()->update(looked_up, label_strs, 3, PROMPLUG_OP_ADD, 1, nullptr);
  }

  Instance instance;
  promplug_metric* counter;
  promplug_metric* fraction;
  promplug_metric* gauge;
  promplug_metric* histogram;
  promplug_metric* native;
  promplug_family* looked_up;
  const LabelValues labels;
  promplug_str label_strs[3];

 private:
  promplug_metric* Single(int32_t type, const char* name);
};

}  // namespace promplug::bench
