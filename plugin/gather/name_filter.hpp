// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

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
