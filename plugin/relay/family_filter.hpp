// SPDX-License-Identifier: MIT
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.hpp"

namespace promplug {

// Which families of an exporter are forwarded: those that `keep` matches (all, where it is empty),
// less those that `drop` matches, less `exclude`. A '*' at the end of a pattern matches any rest.
// Refers to both arguments. Thread-safe.
class FamilyFilter {
 public:
  FamilyFilter(const ForwardConfig& config, const std::set<std::string>& exclude)
      : config_(config), exclude_(exclude) {}

  bool Takes(std::string_view family) const;

 private:
  const ForwardConfig& config_;
  const std::set<std::string>& exclude_;
};

}  // namespace promplug
