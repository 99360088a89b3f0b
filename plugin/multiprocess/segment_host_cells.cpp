// SPDX-License-Identifier: MIT
#include "multiprocess/segment_host_cells.hpp"

#include <utility>

namespace promplug {

void SegmentHostCells::ReadAll() {
  for (const HostCellNode* at = newest_; at != nullptr;) {
    const HostCellNode* node = memory_.Member(at);
    if (node == nullptr) return;
    const Series* series = node->series.load(std::memory_order_acquire);
    if (series != nullptr) nodes_.emplace(series, node);
    at = node->next;
  }
}

uint64_t SegmentHostCells::Sum(const Series* series) {
  if (!std::exchange(read_, true)) ReadAll();
  uint64_t sum = 0;
  const auto [begin, end] = nodes_.equal_range(series);
  for (auto at = begin; at != end; ++at) {
    // It may have been released since.
    const HostCellNode* node = at->second;
    if (node->series.load(std::memory_order_acquire) == series) sum += node->counted();
  }
  return sum;
}

}  // namespace promplug
