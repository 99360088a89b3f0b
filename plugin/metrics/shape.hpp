// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "metrics/labels.hpp"
#include "metrics/native_buckets.hpp"
#include "metrics/point.hpp"

namespace promplug {

// What a host says of a family when it makes it. The views need to live during the call only.
struct FamilyDescription {
  MetricType type = MetricType::kCounter;
  std::string_view name;
  std::string_view help;
  std::string_view unit;
  std::vector<std::string_view> label_names;
  std::vector<Label> const_labels;
  // kHistogram; empty: the default bounds, or with native buckets none
  std::vector<double> buckets;
  std::vector<double> quantiles;        // kSummary; in any order
  uint32_t summary_window_seconds = 0;  // 0: 600
  uint32_t max_series = 0;              // 0: the registry's default
  std::vector<std::string_view> states;
  uint32_t native_max_buckets = 0;  // kHistogram; 0: no native buckets
  double native_growth = 0;         // 0: 1.1
  double native_zero_width = 0;     // 0: 2^-128
  ProcessMode process_mode = ProcessMode::kDefault;
};

// Of a stateset.
inline constexpr size_t kMostStates = 64;

// What bounds of buckets are: finite and ascending, without +Inf.
bool AreBounds(const std::vector<double>& bounds);
// Ascending, in [0, 1].
bool AreQuantiles(const std::vector<double>& quantiles);

// A checked description, owning what it says. Immutable.
struct FamilyShape {
  MetricType type = MetricType::kCounter;
  std::string name;
  std::string help;
  std::string unit;
  std::vector<std::string> label_names;  // as they stand in rendered labels
  bool quoted_labels = false;            // some name of them or of const_labels is not plain
  std::string const_labels;              // rendered without braces
  size_t n_const_labels = 0;
  std::vector<double> buckets;    // AreBounds()
  std::vector<double> quantiles;  // AreQuantiles()
  Duration summary_window{};
  uint32_t max_series = 0;
  std::vector<std::string> states;
  NativeShape native;
  ProcessMode process_mode = ProcessMode::kDefault;

  // kInvalid with a text that names the field and the value.
  static Result<FamilyShape> FromDescription(const FamilyDescription& description);

  // Whether a family of this shape can stand for the other description, too; else `why` says what
  // differs. HELP, window and limit may differ: the first description wins.
  bool SameAs(const FamilyShape& other, std::string* why) const;

  // The names of the lines that such a family writes for some reader, each once.
  std::vector<std::string> SampleNames() const;
};

// Whether the series of several processes of a family of that type can become one in that way.
bool HasProcessMode(MetricType type, ProcessMode mode);

}  // namespace promplug
