// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace promplug {

using Uuid = std::array<uint8_t, 16>;

// The totals of processes that are gone, as a file says them. The file is replaced as a whole, by a
// rename, which is the moment at which its processes stop to count by themselves.
struct Retained {
  uint64_t generation = 0;
  // Processes whose totals are in here, and whose own files may still be there.
  std::vector<Uuid> folded;
  // As PartEncoder writes them; empty: none.
  std::string families;
};

std::string EncodeRetained(const Retained& retained);
// kInvalid: cut, damaged (there is a checksum over all), or not such a file; kVersion: of another
// layout.
Result<Retained> DecodeRetained(std::string_view bytes);

}  // namespace promplug
