// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace promplug {

// Well-formed UTF-8 (Unicode 15, table 3-7): no surrogates, nothing overlong, at most U+10FFFF.
bool IsValidUtf8(std::string_view text);

// [a-zA-Z_:][a-zA-Z0-9_:]*
bool IsValidMetricName(std::string_view name);
// [a-zA-Z_][a-zA-Z0-9_]*; names that begin with "__" are valid here though reserved.
bool IsValidLabelName(std::string_view name);

// ASCII letters only; for HTTP header names and tokens.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// Without leading and trailing spaces and tabs.
std::string_view TrimSpaces(std::string_view text);

// Without percent-encoding (RFC 3986, 2.1). A '%' that is not followed by two hex digits stands for
// itself.
std::string PercentDecoded(std::string_view text);

// `text` for a message: quoted, control characters and bytes outside ASCII as \xNN, cut at
// 80 bytes.
std::string Quoted(std::string_view text);

// The URL as it may be logged: user name, password, and the values of query parameters are
// replaced by "xxxxx"; scheme, host, port, path and parameter names stay.
std::string RedactUrl(std::string_view url);

}  // namespace promplug
