// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace promplug {

// Numbers as Go's strconv.ParseFloat reads them, less hexadecimal and '_' (so does the
// Pushgateway): decimal with or without '.' and exponent; "Inf" and "Infinity" with or without a
// sign, "NaN" without one, in any case of letters. Too large for a double is an error, too small is
// zero. Independent of the locale.
bool IsTextFloat(std::string_view text);

// The same, with the value. `value` is unspecified where false is returned.
bool ReadTextFloat(std::string_view text, double* value);

}  // namespace promplug
