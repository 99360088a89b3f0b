// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "multiprocess/uuid.hpp"

namespace promplug {

// The totals of processes that are gone, as a file says them. The file is replaced as a whole, by a
// rename, which is the moment at which its processes stop to count by themselves.
//
// The bytes, little-endian: a head of kRetainedHeadBytes (magic, layout, how many are folded,
// generation, length of the families, checksum of what follows, checksum of the head), the UUIDs,
// the families.
struct Retained {
  uint64_t generation = 0;
  // Processes whose totals are in here, and whose own files may still be there.
  std::vector<Uuid> folded;
  // As PartEncoder writes them; empty: none.
  std::string families;
};

inline constexpr size_t kRetainedHeadBytes = 48;

std::string EncodeRetained(const Retained& retained);
// kInvalid: cut, damaged (there is a checksum over all), or not such a file; kVersion: of another
// layout. What the families say is not looked at.
Result<Retained> DecodeRetained(std::string_view bytes);
// The generation, from the first kRetainedHeadBytes of a file; more may follow. Fails as
// DecodeRetained(), without looking at what follows.
Result<uint64_t> DecodeRetainedGeneration(std::string_view head);

}  // namespace promplug
