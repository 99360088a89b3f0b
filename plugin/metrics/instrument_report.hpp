// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/log.hpp"
#include "metrics/registry.hpp"
#include "metrics/self_metrics.hpp"

namespace promplug {

// Tells the self metrics, and once for each family and reason the log, what the instruments
// refused, ignored, dropped and let expire, and which families have the most series. One thread at
// a time.
class InstrumentReport {
 public:
  static constexpr size_t kLargestFamilies = 10;

  // All must outlive the report.
  InstrumentReport(const Registry& instruments, SelfMetrics* self, const Log& log);

  // What came since the last call; a few times a second, cheap where nothing did.
  void Update();

  // In a fork child, after the registries were reset.
  void ResetAfterFork();

 private:
  using Refusals = std::array<uint64_t, Family::kRefusals>;

  void ReportTotals();
  void ReportRefusals(Family* family);
  void ReportLargest(const std::vector<Family*>& families);
  void SayOnce(Family* family, Family::Refusal reason);

  const Registry& instruments_;
  SelfMetrics& self_;
  const Log& log_;
  Family* family_refused_;
  Family* family_series_;
  Family* expired_;
  Family* ignored_;
  Family* dropped_exemplars_;
  // What the self metrics have been told.
  uint64_t refused_told_ = 0;
  uint64_t changes_told_ = 0;
  uint64_t expired_told_ = 0;
  uint64_t ignored_told_ = 0;
  uint64_t dropped_exemplars_told_ = 0;
  std::unordered_map<const Family*, Refusals> refusals_told_;
  std::vector<Family*> largest_;
};

}  // namespace promplug
