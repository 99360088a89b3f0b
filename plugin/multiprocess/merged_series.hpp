// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "metrics/native_sum.hpp"
#include "multiprocess/double_sum.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// One series of a merge, so far. What most points do not have is kept beside. The fields with `all`
// rules (and) begin as true.
struct MergedRow {
  std::string_view labels;
  // The whole part of a sum, the integer of another value, a summary's count, a stateset's states.
  uint64_t integer = 0;
  // The rest of a sum, another value, a histogram's or summary's sum.
  DoubleSum value;
  int64_t created_ms = 0;    // the earliest that is known
  int64_t timestamp_ms = 0;  // the newest
  int64_t stamp_ns = 0;
  int64_t touched_ms = 0;  // the newest; 0: some process itself had it
  Exemplar* exemplars = nullptr;
  uint32_t source = 0;  // who gave the last point
  bool is_integer = true;
  bool has_sum = true;
  bool has_timestamp = true;
  bool is_live = false;  // some process that is alive has it

  // Of a number.
  DoubleSum NumberSum() const {
    DoubleSum sum = value;
    if (integer != 0) sum.Add(static_cast<double>(integer));
    return sum;
  }
  double AsDouble() const { return NumberSum().Rounded(); }
};

// kHistogram, kGaugeHistogram: beside the row of the same number.
struct MergedHistogram {
  struct Native {
    NativeSum sum;
    double zero_threshold = 0;
  };
  const double* bounds = nullptr;
  uint64_t* counts = nullptr;
  size_t n_bounds = 0;
  std::unique_ptr<Native> native;  // null: some point had none
};

// kSummary: beside the row of the same number.
struct MergedSummary {
  const double* quantiles = nullptr;
  const double* values = nullptr;  // of kinds without a window, as long as there is one process
  size_t n_quantiles = 0;
  bool of_live = false;  // the quantiles
  std::vector<SketchBucket> window;
};

}  // namespace promplug
