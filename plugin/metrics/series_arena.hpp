// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "metrics/family_record.hpp"
#include "metrics/metric_memory.hpp"
#include "metrics/series.hpp"

namespace promplug {

// A piece of an arena. Followed by its bytes.
struct Chunk {
  std::atomic<Chunk*> next{nullptr};
  uint32_t capacity = 0;
  std::atomic<uint32_t> used{0};  // released when a block is ready to be walked over

  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }
};

// The memory of a family's series: chunks that are filled one after the other and never move, so
// that a walk sees them in the order of their creation without a lock. Blocks of series that are
// gone are used again for series of the same size. One writer at a time; any number of walks.
class SeriesArena {
 public:
  // `record`, whose chunks these are, and `memory` must outlive it.
  SeriesArena(FamilyRecord* record, MetricMemory& memory) : record_(*record), memory_(memory) {}
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
    Series* Next() {
      while (chunk_ != nullptr) {
        if (offset_ < chunk_->used.load(std::memory_order_acquire)) [[likely]] {
          auto* series = reinterpret_cast<Series*>(chunk_->bytes() + offset_);
          offset_ += series->entry_bytes_;
          return series;
        }
        Chunk* next = chunk_->next.load(std::memory_order_acquire);
        if (next == nullptr) return nullptr;
        chunk_ = next;
        offset_ = 0;
      }
      return nullptr;
    }

   private:
    friend class SeriesArena;
    Chunk* chunk_ = nullptr;
    uint32_t offset_ = 0;
  };
  Walk Begin() const;

 private:
  Series* FromFreeList(uint32_t bytes);

  Chunk* NewChunk(uint32_t capacity);

  FamilyRecord& record_;
  MetricMemory& memory_;
  Chunk* last_ = nullptr;
  std::map<uint32_t, std::vector<Series*>> free_;
};

}  // namespace promplug
