// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include "multiprocess/set_merge.hpp"

namespace promplug {

struct FoldOptions {
  int64_t now_ms = 0;     // unix time
  int64_t expiry_ms = 0;  // 0: never
  // What the processes say that are alive; may be null.
  const SetMerge* live = nullptr;
};

// What is to be retained of a merge of what was retained so far and of processes that are gone, as
// PartEncoder writes it, with families that have no series left out; empty: nothing. A series is
// dropped when no process that is gone since has added to it for the expiry, and none that is alive
// has it. Of a merge with other parts in it only the series that are not shown by worker are
// written. Throws std::bad_alloc.
std::string FoldFamilies(const SetMerge& gone, const FoldOptions& options);

}  // namespace promplug
