// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace promplug {

// The families that the Pushgateway (1.5.1) holds against a push in the text of a 400: those whose
// type clashes, whose sample names collide, or that have a series twice. Where two families
// collide both are named. Empty where the text blames no family, as for a timestamp or a line that
// it cannot parse.
std::vector<std::string> RefusedFamilies(std::string_view text);

}  // namespace promplug
