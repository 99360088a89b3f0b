// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "multiprocess/set_merge.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// How the points of one series become one.
enum class MergeRule : uint8_t {
  kSum,
  kMax,
  kMin,
  kLatest,
  kOnce,       // all say the same
  kNewest,     // one of them says it, and that may become another one: who has said it last
  kPerWorker,  // they do not: each gets the label of its worker
};

// What grows only: where it goes away and comes back, a sum of several processes looks restarted.
constexpr bool IsCumulative(MetricType type) {
  return type == MetricType::kCounter || type == MetricType::kHistogram ||
         type == MetricType::kSummary;
}

// By type, process mode and kind. Modes that have no meaning for the type are its default.
MergeRule MergeRuleOf(const PartHead& head);

// Whether the points of a process still count when it is gone: those that only grow, unless another
// process goes on with them.
bool CountsAfterTheEnd(const PartHead& head);

// For a person.
std::string_view RuleName(MergeRule rule);
std::string_view TypeName(MetricType type);
std::string OwnerName(const PartOwner& owner);

}  // namespace promplug
