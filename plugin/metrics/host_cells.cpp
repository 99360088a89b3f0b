// SPDX-License-Identifier: MIT
#include "metrics/host_cells.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace promplug {

HostCells::~HostCells() {
  for (HostCellNode* node = record_.host_cells.load(); node != nullptr;) {
    HostCellNode* next = node->next;
    memory_.Free(node, sizeof(HostCellNode), alignof(HostCellNode));
    node = next;
  }
}

HostCellNode* HostCells::NewNode() {
  if (!free_.empty()) {
    HostCellNode* node = free_.back();
    free_.pop_back();
    return node;
  }
  // So that every node can be given back without memory.
  free_.reserve(n_nodes_ + 1);
  void* block = memory_.Allocate(sizeof(HostCellNode), alignof(HostCellNode));
  if (block == nullptr) return nullptr;
  auto* node = new (block) HostCellNode;
  node->next = record_.host_cells.load(std::memory_order_relaxed);
  record_.host_cells.store(node, std::memory_order_release);
  ++n_nodes_;
  return node;
}

uint64_t* HostCells::Add(const Series* series) {
  std::vector<Cell>& cells = cells_[series];
  cells.reserve(cells.size() + 1);
  HostCellNode* node = NewNode();
  if (node == nullptr) return nullptr;
  const uint64_t now = node->word.load(std::memory_order_relaxed);
  node->base.store(now, std::memory_order_relaxed);
  node->series.store(series, std::memory_order_release);
  cells.push_back({node, now});
  // The host writes it with the atomic operations of the header.
  return reinterpret_cast<uint64_t*>(&node->word);
}

bool HostCells::Release(const Series* series, const uint64_t* cell, uint64_t* counted) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return false;
  std::vector<Cell>& cells = found->second;
  const auto at = std::find_if(cells.begin(), cells.end(), [cell](const Cell& each) {
    return reinterpret_cast<const uint64_t*>(&each.node->word) == cell;
  });
  if (at == cells.end()) return false;
  HostCellNode* node = at->node;
  *counted = node->counted();
  node->series.store(nullptr, std::memory_order_relaxed);
  free_.push_back(node);
  cells.erase(at);
  if (cells.empty()) cells_.erase(found);
  return true;
}

uint64_t HostCells::Sum(const Series* series) const {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return 0;
  uint64_t sum = 0;
  for (const Cell& cell : found->second) sum += cell.node->counted();
  return sum;
}

void HostCells::Rebase(const Series* series) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return;
  for (Cell& cell : found->second) {
    cell.seen = cell.node->word.load(std::memory_order_relaxed);
    cell.node->base.store(cell.seen, std::memory_order_relaxed);
  }
}

bool HostCells::Moved(const Series* series) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return false;
  bool moved = false;
  for (Cell& cell : found->second) {
    const uint64_t before =
        std::exchange(cell.seen, cell.node->word.load(std::memory_order_relaxed));
    moved = moved || cell.seen != before;
  }
  return moved;
}

void HostCells::RebaseToSeen(const Series* series) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return;
  for (Cell& cell : found->second) cell.node->base.store(cell.seen, std::memory_order_relaxed);
}

}  // namespace promplug
