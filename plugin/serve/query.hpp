// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace promplug {

// The values of every parameter `name` of a query (without '?'), in their order, percent-decoded
// ('+' is a space; a '%' that begins no escape stays). Parameters without a value are left out.
std::vector<std::string> QueryValues(std::string_view query, std::string_view name);

}  // namespace promplug
