// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace promplug {

// Cuts `body` into pieces of whole lines and orders them so that the lines of each family
// (FamilyTracker) stand together: families in the order in which they begin, the lines of each in
// their order. The pieces point into `body` and are all of it. kInvalid, with line number and
// reason: a line has no valid syntax, or the last one has no newline.
Result<std::vector<std::string_view>> Regroup(std::string_view body);

}  // namespace promplug
