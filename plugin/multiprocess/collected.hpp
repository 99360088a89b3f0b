// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// What the collectors of one process said last, as a file says it: everything that is not an
// instrument.
struct Collected {
  int64_t unix_ms = 0;
  std::string_view families;  // as PartEncoder writes them
};

std::string EncodeCollected(const Collected& collected);
// The result refers to `bytes`. kInvalid: cut, damaged, or not such a file; kVersion.
Result<Collected> DecodeCollected(std::string_view bytes);

}  // namespace promplug
