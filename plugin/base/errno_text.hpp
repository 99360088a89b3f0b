// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace promplug {

// What errno says, for a message: "No space left on device (ENOSPC)". In English whatever the
// locale is, unlike strerror(). Thread-safe.
std::string ErrnoText(int error);

}  // namespace promplug
