// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "exposition/chunked_bytes.hpp"
#include "exposition/encoder.hpp"
#include "exposition/wire_writer.hpp"

namespace promplug {

// Length-delimited messages of io.prometheus.client.MetricFamily (client_model's metrics.proto),
// one for each family.
//
// A message begins with its length, so that a family is held whole until its last point is known:
// this takes the memory of the largest family in this format, in chunks.
//
// - info and stateset, which the format does not know: gauges, named as in the text format 0.0.4.
// - Classic buckets are cumulative and end with +Inf. A histogram that has native buckets and no
//   bounds has no classic buckets. One without a sum has no sample_sum, which readers take for 0.
// - A native histogram that is empty and has no zero threshold has a span of no buckets, which
//   tells it from a classic one. Its exemplars stand in the histogram besides those in classic
//   buckets.
// - created_timestamp, exemplars of histograms and unit are fields of client_model 0.6; older
//   readers skip them.
class ProtobufEncoder final : public Encoder {
 public:
  void BeginFamily(const FamilyHead& head) override;
  // Takes all points: nothing goes out before the family ends.
  size_t AppendPoints(const Point* points, size_t n, OutputBuffer* out) override;
  bool EndFamily(OutputBuffer* out) override;
  bool End(OutputBuffer*) override { return true; }

 private:
  void AppendPoint(const Point& point);
  void AppendStates(const Point& point);
  void AppendSingle(const Point& point);
  void AppendSummary(const Point& point);
  void AppendHistogram(const Point& point);

  MetricType type_ = MetricType::kUntyped;
  std::string name_;         // as exposed
  std::string state_label_;  // of a stateset
  std::string plain_;        // a label value without its escapes
  WireWriter head_;          // all fields but the points; empty once it is given out
  WireWriter points_;        // those of one call
  ChunkedBytes body_;
};

}  // namespace promplug
