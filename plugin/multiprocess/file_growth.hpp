// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// All fail instead of raising SIGXFSZ where the process may not make files that long, and leave
// what is in the file as it is. kIo: no space, a limit, or another error; the file may be longer
// than before.

// Makes a file longer, to `bytes`, if it is shorter. What is added is zero and allocated: a store
// to a hole of a mapped file on a full tmpfs would end in SIGBUS.
Status AllocateBytes(int fd, uint64_t bytes);
// The same to `most` bytes or, where there is no room for so many, as far as it goes, `least` at
// least. A file that has `least` bytes stays as it is. Returns how long the file is.
// REQUIRES: least <= most
Result<uint64_t> AllocateUpTo(int fd, uint64_t least, uint64_t most);
Status AppendBytes(int fd, std::string_view bytes);

}  // namespace promplug
