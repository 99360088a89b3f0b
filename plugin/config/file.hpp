// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/status.hpp"

namespace promplug {

// The whole of a regular file of at most 1 MiB. kConfig with the path, the reason and what is
// expected: missing, not readable, no regular file (a directory, a pipe), too large. Never waits
// for a writer.
Result<std::string> ReadConfigFile(const std::string& path);

}  // namespace promplug
