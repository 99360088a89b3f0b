// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <unordered_map>

#include "metrics/foreign_memory.hpp"
#include "metrics/host_cells.hpp"

namespace promplug {

// The cells of the host that count for the series of one family, in another process's segment.
class SegmentHostCells {
 public:
  // `newest`, the owner's pointer, leads to all of them. `memory` must outlive it.
  SegmentHostCells(const HostCellNode* newest, LimitedMemory* memory)
      : newest_(newest), memory_(*memory) {}

  // What those of one series count at the moment. `series` is the owner's pointer. The list of the
  // family is read once, at the first call: cells that came later have counted nothing before it.
  uint64_t Sum(const Series* series);

 private:
  void ReadAll();

  const HostCellNode* const newest_;
  LimitedMemory& memory_;
  bool read_ = false;
  std::unordered_multimap<const Series*, const HostCellNode*> nodes_;
};

}  // namespace promplug
