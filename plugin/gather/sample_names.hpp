// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

// What the lines of a family are called beside the family's own name: that name with each of these
// behind it.
std::span<const std::string_view> SampleSuffixes(MetricType type, std::string_view name);

// Every suffix that some type has.
std::span<const std::string_view> AllSampleSuffixes();

// The families that a gather was asked for.
class NameFilter {
 public:
  // Empty: all.
  explicit NameFilter(std::vector<std::string> names) : names_(std::move(names)) {}
  // Whether the family's name, or that of one of its lines, was asked for.
  bool Matches(MetricType type, std::string_view name) const;

 private:
  std::vector<std::string> names_;
};

}  // namespace promplug
