// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// The answers to a text that is not acceptable are kConfig with what is expected as the text, to
// stand behind "expected"; they quote nothing of the input.

// The base URL of a Pushgateway: http:// is added where no scheme is, the scheme is in lower case,
// trailing slashes are gone; a path prefix and user:password@ stay.
Result<std::string> NormalizeGatewayUrl(std::string_view text);

// The URL of an exporter's exposition: likewise; "/metrics" where no path is. A query stays.
Result<std::string> NormalizeExporterUrl(std::string_view text);

// "address:port" or "[v6]:port", with 127.0.0.1 for "localhost" and where no address is. Port 0
// is any free one. "" stays "". Nothing is looked up.
Result<std::string> NormalizeListen(std::string_view text);

// As RedactUrl(), for a text that need not be a URL: everything before the last '@' is hidden, so
// that a password with '/' in it does not show.
std::string RedactAnyUrl(std::string_view text);

}  // namespace promplug
