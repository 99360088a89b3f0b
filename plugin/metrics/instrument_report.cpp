// SPDX-License-Identifier: MIT
#include "metrics/instrument_report.hpp"

#include <algorithm>
#include <utility>

#include "base/text.hpp"

namespace promplug {
namespace {

std::string_view ReasonName(Family::Refusal reason) {
  switch (reason) {
    case Family::Refusal::kLimit:
      return "limit";
    case Family::Refusal::kLabels:
      return "labels";
    case Family::Refusal::kMemory:
      return "memory";
  }
  return "limit";
}

Family* Make(SelfMetrics* self, MetricType type, std::string_view name, std::string_view help,
             std::vector<std::string_view> labels) {
  FamilyDescription description;
  description.type = type;
  description.name = name;
  description.help = help;
  description.label_names = std::move(labels);
  return self->registry().FindOrMake(description).value();
}

// The difference to what was told before is added to a series of a counter.
void Tell(Family* counter, uint64_t now, uint64_t* told) {
  if (now == *told) return;
  (void)counter->Update(nullptr, 0, UpdateOp::kAdd, static_cast<double>(now - *told));
  *told = now;
}

}  // namespace

InstrumentReport::InstrumentReport(const Registry& instruments, SelfMetrics* self, const Log& log)
    : instruments_(instruments), self_(*self), log_(log) {
  using T = MetricType;
  family_refused_ =
      Make(self, T::kCounter, "promplug_family_series_refused_total",
           "Look-ups and updates of series that the family does not take.", {"family", "reason"});
  family_series_ = Make(self, T::kGauge, "promplug_family_series",
                        "Series of the families that have the most.", {"family"});
  expired_ = Make(self, T::kCounter, "promplug_series_expired_total",
                  "Series that were idle for limits.series_expiry_seconds.", {});
  ignored_ =
      Make(self, T::kCounter, "promplug_updates_ignored_total",
           "Updates that did not fit: NaN, a wrong type, a negative addition to a counter.", {});
  dropped_exemplars_ =
      Make(self, T::kCounter, "promplug_exemplars_dropped_total",
           "Exemplars of updates that were not valid, or where none can be kept.", {});
}

void InstrumentReport::Update() {
  ReportTotals();
  const uint64_t refused = instruments_.RefusedSeries();
  const uint64_t changes = instruments_.SeriesChanges();
  if (refused == refused_told_ && changes == changes_told_) return;
  const std::vector<Family*> families = instruments_.Families();
  if (refused != refused_told_) {
    for (Family* family : families) ReportRefusals(family);
  }
  if (changes != changes_told_) ReportLargest(families);
  refused_told_ = refused;
  changes_told_ = changes;
}

void InstrumentReport::ReportTotals() {
  Tell(expired_, instruments_.ExpiredSeries(), &expired_told_);
  Tell(ignored_, instruments_.IgnoredUpdates(), &ignored_told_);
  Tell(dropped_exemplars_, instruments_.DroppedExemplars(), &dropped_exemplars_told_);
}

void InstrumentReport::ReportRefusals(Family* family) {
  for (size_t i = 0; i < Family::kRefusals; ++i) {
    const auto reason = static_cast<Family::Refusal>(i);
    const uint64_t now = family->Refused(reason);
    if (now == 0) continue;
    uint64_t& told = refusals_told_[family][i];
    if (now == told) continue;
    if (told == 0) SayOnce(family, reason);
    const std::string_view values[] = {family->shape().name, ReasonName(reason)};
    const uint64_t n = now - told;
    (void)family_refused_->Update(values, 2, UpdateOp::kAdd, static_cast<double>(n));
    self_.InstrumentsRefused(ReasonName(reason), n);
    told = now;
  }
}

void InstrumentReport::SayOnce(Family* family, Family::Refusal reason) {
  const std::string name = "family " + Quoted(family->shape().name);
  switch (reason) {
    case Family::Refusal::kLimit:
      log_.Warn(name + " has reached its limit of " + std::to_string(family->MaxSeries()) +
                " series: updates of others are counted and not kept. Give its labels fewer "
                "values, remove or expire series, or raise limits.max_series_per_family or the "
                "family's max_series (said once)");
      return;
    case Family::Refusal::kLabels:
      log_.Warn(family->FirstLabelRefusal() +
                ": such updates are counted and not kept (said once)");
      return;
    case Family::Refusal::kMemory:
      log_.Error(name +
                 " lacks memory for a series: updates of it are counted and not kept (said "
                 "once)");
      return;
  }
}

void InstrumentReport::ReportLargest(const std::vector<Family*>& families) {
  using Sized = std::pair<uint64_t, Family*>;
  std::vector<Sized> sized;
  for (Family* family : families) {
    if (const uint64_t n = family->LiveSeries()) sized.emplace_back(n, family);
  }
  const size_t n = std::min(sized.size(), kLargestFamilies);
  const auto end = sized.begin() + static_cast<std::ptrdiff_t>(n);
  std::partial_sort(sized.begin(), end, sized.end(),
                    [](const Sized& a, const Sized& b) { return a.first > b.first; });
  sized.erase(end, sized.end());
  std::vector<Family*> largest;
  for (const auto& [series, family] : sized) {
    const std::string_view name = family->shape().name;
    (void)family_series_->Update(&name, 1, UpdateOp::kSet, static_cast<double>(series));
    largest.push_back(family);
  }
  for (const Family* family : largest_) {
    if (std::find(largest.begin(), largest.end(), family) != largest.end()) continue;
    const Label label{"family", family->shape().name};
    family_series_->RemoveMatching(&label, 1);
  }
  largest_ = std::move(largest);
}

void InstrumentReport::ResetAfterFork() {
  refused_told_ = 0;
  changes_told_ = 0;
  expired_told_ = 0;
  ignored_told_ = 0;
  dropped_exemplars_told_ = 0;
  refusals_told_.clear();
}

}  // namespace promplug
