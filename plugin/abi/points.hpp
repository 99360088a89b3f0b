// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "metrics/point.hpp"
#include "promplug/promplug.h"

namespace promplug::abi {

// kInvalid, with the name of the field, where it is none of PROMPLUG_MODE_*.
Status ToProcessMode(int32_t mode, std::string_view field, ProcessMode* out);

// A family head of the host. The views are those of the host.
Status FromHead(const promplug_family_head* from, FamilyHead* out);
promplug_family_head ToHead(const FamilyHead& head);

// Takes points of the host apart. Reused from point to point, so that it allocates rarely.
class PointFromHost {
 public:
  // Reads `from` for a family of this type: *out, without labels, refers to the host's memory and
  // to this object. kInvalid with the reason.
  Status Read(const promplug_point* from, MetricType type, Point* out);

 private:
  Status ReadExemplars(const promplug_point& from, Point* out);

  std::vector<uint64_t> counts_;
  std::vector<Exemplar> exemplars_;
  std::vector<std::string> exemplar_labels_;
  NativeHistogram native_;
};

// An exemplar of the host, whose labels are rendered into *labels. kInvalid: a label is not valid;
// how long they may be is checked by who keeps the exemplar.
Status ReadExemplar(const promplug_exemplar& from, std::string* labels, Exemplar* out);

// Puts points into the host's form. What the result points to is valid until the next call.
class PointToHost {
 public:
  promplug_point Convert(const Point& point, MetricType type);
  // State number i of a stateset point that holds them together, as the sample it is exposed as;
  // `label` is the one for the state.
  promplug_point ConvertState(const Point& point, std::string_view label, size_t i);

 private:
  void ConvertExemplars(const Point& point, promplug_point* out);

  std::vector<std::string> texts_;
  std::vector<promplug_kv> labels_;
  std::vector<uint64_t> cumulative_;
  promplug_native_histogram native_;
  struct ExemplarLabels {
    std::vector<std::string> texts;
    std::vector<promplug_kv> labels;
  };
  std::vector<ExemplarLabels> exemplar_labels_;
  std::vector<promplug_exemplar> exemplars_;
};

}  // namespace promplug::abi
