// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "gather/name_filter.hpp"
#include "gather/refusals.hpp"
#include "metrics/gathering.hpp"
#include "metrics/point.hpp"

namespace promplug {

// A family as one source says it.
struct SourceFamily {
  FamilyHead head;
  std::string_view source;  // who says so, for the log
  // Called at most once.
  std::function<std::unique_ptr<PointSource>()> open;
};

// Makes one exposition of the families of all sources, which come in the order of precedence:
// of one name, the first type and help count, and the first series of one label set. A family one
// of whose sample names is taken by another is left out, the later of the two. What is left out is
// told to `refusals`: duplicate series while the parts are read, the rest at once.
//
// What the heads show and `open` uses must outlive the result; the caller adds to keep_alive.
Gathering Merge(std::vector<SourceFamily> families, const NameFilter& filter,
                const std::shared_ptr<Refusals>& refusals);

}  // namespace promplug
