// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

#include "base/status.hpp"
#include "config/config.hpp"

namespace promplug {

// The path of a group below the Pushgateway's URL (its README, "URL"):
//   /metrics/job/<job>/instance/<instance>[/<label>/<value>...]
// A value of RFC 3986's unreserved characters goes as it is, every other one, and "." and "..",
// which are steps in a path, as <label>@base64/<value in the URL alphabet, unpadded>.
//
// kInvalid: a value that is empty or no UTF-8, since the gateway would take it and from then on
// fail for everybody; a label name that is not valid, begins with "__", or comes twice.
Result<std::string> GroupPath(std::string_view job, std::string_view instance,
                              const StringPairs& labels);

}  // namespace promplug
