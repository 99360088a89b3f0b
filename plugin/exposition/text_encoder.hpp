// SPDX-License-Identifier: MIT
#pragma once

#include "exposition/line_encoder.hpp"

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
class TextEncoder final : public LineEncoder {
 public:
  TextEncoder() : LineEncoder(Dialect::kText) {}

  void BeginFamily(const FamilyHead& head) override;
  bool End(OutputBuffer*) override { return true; }
};

}  // namespace promplug
