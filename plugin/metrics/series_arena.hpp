// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "metrics/series.hpp"

namespace promplug {

// The memory of a family's series: chunks that are filled one after the other and never move, so
// that a walk sees them in the order of their creation without a lock. Blocks of series that are
// gone are used again for series of the same size. One writer at a time; any number of walks.
class SeriesArena {
 public:
  SeriesArena() = default;
  ~SeriesArena();
  SeriesArena(const SeriesArena&) = delete;
  SeriesArena& operator=(const SeriesArena&) = delete;

  // A block for a series with so many cell words and label bytes, hidden from walks until its
  // route is set to 0. nullptr when memory is short.
  Series* Allocate(Family* family, MetricType type, size_t cell_words, size_t label_bytes);
  // REQUIRES: no walk and no look-up can still hold it.
  void Free(Series* series);

  // Position of a walk; stays valid whatever happens to the series.
  class Walk {
   public:
    // The next block, hidden ones included; nullptr at the end.
    Series* Next();

   private:
    friend class SeriesArena;
    struct Chunk* chunk_ = nullptr;
    uint32_t offset_ = 0;
  };
  Walk Begin() const;

 private:
  Series* FromFreeList(uint32_t bytes);

  std::atomic<struct Chunk*> first_{nullptr};
  struct Chunk* last_ = nullptr;
  std::map<uint32_t, std::vector<Series*>> free_;
};

}  // namespace promplug
