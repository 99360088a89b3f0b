// SPDX-License-Identifier: MIT
#include "multiprocess/merge_rules.hpp"

namespace promplug {
namespace {

MergeRule RuleOfMode(ProcessMode mode) {
  switch (mode) {
    case ProcessMode::kSum:
      return MergeRule::kSum;
    case ProcessMode::kMax:
      return MergeRule::kMax;
    case ProcessMode::kMin:
      return MergeRule::kMin;
    case ProcessMode::kLatest:
      return MergeRule::kLatest;
    default:
      return MergeRule::kPerWorker;
  }
}

}  // namespace

MergeRule MergeRuleOf(const PartHead& head) {
  const MetricType type = head.head.type;
  const ProcessMode mode = head.head.process_mode;
  if (head.kind == PartKind::kProcess || head.kind == PartKind::kSelf) return MergeRule::kPerWorker;
  if (head.one_process) return MergeRule::kNewest;
  if (mode == ProcessMode::kPerWorker) return MergeRule::kPerWorker;
  if (type == MetricType::kInfo) return MergeRule::kOnce;
  if (IsCumulative(type)) return MergeRule::kSum;
  const MergeRule rule = RuleOfMode(mode);
  // Bits do not add up.
  if (type == MetricType::kStateset && rule == MergeRule::kSum) return MergeRule::kPerWorker;
  // There is no largest one of several distributions.
  const bool by_value = rule != MergeRule::kPerWorker;
  return type == MetricType::kGaugeHistogram && by_value ? MergeRule::kSum : rule;
}

bool CountsAfterTheEnd(const PartHead& head) {
  return IsCumulative(head.head.type) && MergeRuleOf(head) == MergeRule::kSum;
}

std::string_view RuleName(MergeRule rule) {
  constexpr std::string_view kNames[] = {
      "the sum",          "the largest",         "the smallest",
      "the last",         "each label set once", "that of one process for all",
      "each worker's own"};
  return kNames[static_cast<size_t>(rule)];
}

std::string_view TypeName(MetricType type) {
  constexpr std::string_view kNames[] = {"unknown",   "counter",  "gauge",
                                         "histogram", "summary",  "untyped",
                                         "info",      "stateset", "gauge histogram"};
  return kNames[static_cast<size_t>(type)];
}

std::string OwnerName(const PartOwner& owner) {
  switch (owner.state) {
    case PartOwner::State::kLive:
    case PartOwner::State::kWaiting:
      return "worker " + std::to_string(owner.worker);
    case PartOwner::State::kDead:
      return "a former worker " + std::to_string(owner.worker);
    default:
      return "the totals of former workers";
  }
}

}  // namespace promplug
