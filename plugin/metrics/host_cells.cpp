// SPDX-License-Identifier: MIT
#include "metrics/host_cells.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace promplug {
namespace {

constexpr size_t kLineBytes = 128;

}  // namespace

HostCells::~HostCells() {
  for (auto& [series, cells] : cells_) {
    for (const Cell& cell : cells) std::free(cell.word);
  }
}

uint64_t* HostCells::Add(const Series* series) {
  std::vector<Cell>& cells = cells_[series];
  cells.reserve(cells.size() + 1);
  void* memory = std::aligned_alloc(kLineBytes, kLineBytes);
  if (memory == nullptr) return nullptr;
  auto* word = new (memory) std::atomic<uint64_t>(0);
  cells.push_back({word, 0, 0});
  // The host writes it with the atomic operations of the header.
  return reinterpret_cast<uint64_t*>(word);
}

bool HostCells::Release(const Series* series, const uint64_t* cell, uint64_t* counted) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return false;
  std::vector<Cell>& cells = found->second;
  const auto at = std::find_if(cells.begin(), cells.end(), [cell](const Cell& each) {
    return reinterpret_cast<const uint64_t*>(each.word) == cell;
  });
  if (at == cells.end()) return false;
  *counted = at->word->load(std::memory_order_relaxed) - at->base;
  std::free(at->word);
  cells.erase(at);
  if (cells.empty()) cells_.erase(found);
  return true;
}

uint64_t HostCells::Sum(const Series* series) const {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return 0;
  uint64_t sum = 0;
  for (const Cell& cell : found->second) {
    sum += cell.word->load(std::memory_order_relaxed) - cell.base;
  }
  return sum;
}

void HostCells::Rebase(const Series* series) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return;
  for (Cell& cell : found->second) {
    cell.base = cell.seen = cell.word->load(std::memory_order_relaxed);
  }
}

bool HostCells::Moved(const Series* series) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return false;
  bool moved = false;
  for (Cell& cell : found->second) {
    const uint64_t before = std::exchange(cell.seen, cell.word->load(std::memory_order_relaxed));
    moved = moved || cell.seen != before;
  }
  return moved;
}

void HostCells::RebaseToSeen(const Series* series) {
  const auto found = cells_.find(series);
  if (found == cells_.end()) return;
  for (Cell& cell : found->second) cell.base = cell.seen;
}

}  // namespace promplug
