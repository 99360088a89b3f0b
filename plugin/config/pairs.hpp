// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "base/status.hpp"
#include "config/config.hpp"
#include "config/value.hpp"

namespace promplug {

// What ReadLabelValue() takes, for messages and documentation.
inline constexpr std::string_view kLabelValueText =
    "a text of 1 to 1024 bytes of UTF-8 without control characters";

// A map of names to texts, the value of `key`, replaces the pairs; where value.key is "KEY.NAME",
// it sets that one of them. Labels are those of a grouping key; headers those of a request that the
// plugin does not set itself.
Status ReadLabels(const Value& value, std::string_view key, StringPairs* labels);
Status ReadHeaders(const Value& value, std::string_view key, StringPairs* headers);

}  // namespace promplug
