// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace sample {

// One line on stderr, in one write. Thread-safe.
void LogLine(std::string_view text);

}  // namespace sample
