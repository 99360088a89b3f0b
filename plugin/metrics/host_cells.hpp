// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "metrics/family_record.hpp"
#include "metrics/metric_memory.hpp"

namespace promplug {

class Series;

// A cell in the MetricMemory of its family, alone on its cache lines. The nodes of a family are a
// list that only grows; one without a series waits to be used again.
struct alignas(128) HostCellNode {
  std::atomic<uint64_t> word{0};  // written by the host
  std::atomic<uint64_t> base{0};
  std::atomic<const Series*> series{nullptr};
  HostCellNode* next = nullptr;

  uint64_t counted() const {
    return word.load(std::memory_order_relaxed) - base.load(std::memory_order_relaxed);
  }
};

// Cells that hosts write directly and that count for a series besides its own. The
// host writes without asking, so a cell is never set back: what counts is the
// distance from its base line. Not thread-safe.
class HostCells {
 public:
  HostCells(FamilyRecord* record, MetricMemory& memory) : record_(*record), memory_(memory) {}
  ~HostCells();
  HostCells(const HostCells&) = delete;
  HostCells& operator=(const HostCells&) = delete;

  // nullptr when memory is short.
  uint64_t* Add(const Series* series);
  // Frees the cell; *counted is what it counted since its base line. False: no such cell.
  bool Release(const Series* series, const uint64_t* cell, uint64_t* counted);
  // What the cells of the series count.
  uint64_t Sum(const Series* series) const;
  // From now on they count from zero.
  void Rebase(const Series* series);
  // Whether they have counted since the last look, which is this call or a Rebase().
  bool Moved(const Series* series);
  // As Rebase(), but counts what came after the last look.
  void RebaseToSeen(const Series* series);
  bool Any(const Series* series) const { return cells_.contains(series); }

 private:
  struct Cell {
    HostCellNode* node;
    uint64_t seen;
  };
  HostCellNode* NewNode();

  FamilyRecord& record_;
  MetricMemory& memory_;
  std::unordered_map<const Series*, std::vector<Cell>> cells_;
  std::vector<HostCellNode*> free_;
  size_t n_nodes_ = 0;
};

}  // namespace promplug
