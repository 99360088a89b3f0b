// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "exposition/encoder.hpp"
#include "exposition/number_labels.hpp"
#include "exposition/padded_text.hpp"

namespace promplug {

// The text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). It knows five
// types; the others are shown as what its readers take:
// - info and stateset: gauge. An info family's name ends in _info, a stateset has a line for each
//   state, with a label that is named like the family (a colon, which labels cannot have, as _).
// - gauge histogram: histogram, with _sum and _count. Prometheus keeps the series whatever the
//   type; the Pushgateway refuses a type that it does not know, and takes lines without a type
//   apart. Both keep a _sum that falls.
// HELP is left out where there is none. Exemplars, units, created times and native histograms have
// no place in this format.
class TextEncoder final : public Encoder {
 public:
  TextEncoder();

  void BeginFamily(const FamilyHead& head) override;
  size_t AppendPoints(const Point* points, size_t n, OutputBuffer* out) override;
  bool EndFamily(OutputBuffer*) override { return true; }
  bool End(OutputBuffer*) override { return true; }

 private:
  // Each writes from line_ on and sets line_ to 0 when the point is finished; false: `out` is full.
  bool AppendHistogram(const Point& point, OutputBuffer* out);
  bool AppendSummary(const Point& point, OutputBuffer* out);
  bool AppendStateset(const Point& point, OutputBuffer* out);

  size_t AppendSingles(const Point* points, size_t n, OutputBuffer* out);
  bool AppendBuckets(const Point& point, OutputBuffer* out);
  bool AppendSumAndCount(const Point& point, uint64_t count, OutputBuffer* out);
  bool AppendHead(OutputBuffer* out);
  void MakeHead(const FamilyHead& head);
  void MakeSeriesPrefix(std::string_view suffix, std::string_view labels);

  MetricType type_ = MetricType::kUntyped;
  std::string full_name_;  // as exposed
  std::string head_;       // HELP and TYPE, empty when written
  PaddedText name_;
  PaddedText sum_name_;
  PaddedText count_name_;
  std::string state_label_;
  std::string state_line_;

  // The lines of the current point before its bucket, quantile or state label.
  PaddedText series_;
  NumberLabels buckets_{"le", true};
  NumberLabels quantiles_{"quantile", false};
  size_t line_ = 0;  // of the current point
  uint64_t cumulative_ = 0;
};

}  // namespace promplug
