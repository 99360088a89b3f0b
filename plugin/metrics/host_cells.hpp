// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace promplug {

class Series;

// Cells that hosts write directly and that count for a series besides its own. Each is alone on its
// cache line. The host writes without asking, so a cell is never set back: what counts is the
// distance from its base line. Not thread-safe.
class HostCells {
 public:
  HostCells() = default;
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
    std::atomic<uint64_t>* word;
    uint64_t base;
    uint64_t seen;
  };
  std::unordered_map<const Series*, std::vector<Cell>> cells_;
};

}  // namespace promplug
