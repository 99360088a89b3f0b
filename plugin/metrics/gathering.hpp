// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "base/status.hpp"
#include "metrics/point.hpp"

namespace promplug {

// One family as it will be exposed, from all its sources.
struct GatheredFamily {
  FamilyHead head;
  // Read one after the other; no series comes twice.
  std::vector<std::unique_ptr<PointSource>> parts;
};

// The families of one gather, sorted by name (one that is not plain, metrics/names.hpp, by what it
// is with kUnderscores), valid for exposition as a whole: one type and one
// help per name, no series twice, no sample name that two families claim. What does not fit was
// left out and counted.
struct Gathering {
  // Not OK: nothing could be had, and this is no exposition.
  Status status;
  std::vector<GatheredFamily> families;
  // Owns what the heads and parts point to.
  std::vector<std::shared_ptr<const void>> keep_alive;
};

}  // namespace promplug
