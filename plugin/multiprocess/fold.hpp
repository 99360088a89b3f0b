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
  // Of a family; 0: all.
  size_t max_series = 0;
};

// What is to be retained of a merge of what was retained so far and of processes that are gone, as
// PartEncoder writes it, with families that have no series left out; empty: nothing. A series is
// dropped when no process that is gone since has added to it for the expiry, and none that is alive
// has it. Of more than `max_series` the first ones stay, and that is told to `refuse` as "limit"
// once for each family. Of a merge with other parts in it only the series that are not shown by
// worker are written. Throws std::bad_alloc.
std::string FoldFamilies(const SetMerge& gone, const FoldOptions& options,
                         const SetMerge::Refuse& refuse);

}  // namespace promplug
