// SPDX-License-Identifier: MIT
#pragma once

#include "exposition/line_encoder.hpp"

namespace promplug {

// OpenMetrics 1.0 (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md). Its readers
// refuse an exposition as a whole for one thing that is not right, so what a family cannot say is
// left out of it:
// - A counter's name is without _total above its lines and with it in them; an info family's
//   likewise with _info.
// - A family with plain_in_open_metrics set, a counter or info family whose whole name is the
//   suffix, and a stateset with a colon in its name, which a label cannot have, have the lines of
//   the text format: a stateset as gauge, the others as unknown.
// - UNIT only where the name ends in it and the type has units. HELP where there is one.
// - Sums, counts and quantiles as LineEncoder::Dialect::kOpenMetrics says.
class OpenMetricsEncoder final : public LineEncoder {
 public:
  // `created_series`: whether counters, histograms and summaries have a _created line each.
  explicit OpenMetricsEncoder(bool created_series)
      : LineEncoder(Dialect::kOpenMetrics), created_series_(created_series) {}

  void BeginFamily(const FamilyHead& head) override;
  bool End(OutputBuffer* out) override;

 private:
  void MakeHead(const FamilyHead& head, std::string_view name, std::string_view type_name);

  const bool created_series_;
};

}  // namespace promplug
