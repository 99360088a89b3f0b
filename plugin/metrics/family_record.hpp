// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/metric_memory.hpp"
#include "metrics/shape.hpp"

namespace promplug {

struct Chunk;
struct ExemplarNode;
struct HostCellNode;

// What leads to everything of one family: the first block in the family's MetricMemory. Followed by
// the shape as bytes, where the memory is shared. Its layout, and that of all that it leads to, is
// the layout of a segment file (multiprocess/segment_layout.hpp).
struct FamilyRecord {
  std::atomic<FamilyRecord*> next{nullptr};  // written by MetricMemory::Publish()
  std::atomic<Chunk*> chunks{nullptr};
  std::atomic<ExemplarNode*> exemplars{nullptr};
  std::atomic<HostCellNode*> host_cells{nullptr};
  // Odd while what host cells counted moves from one place to another.
  std::atomic<uint64_t> host_cell_moves{0};
  uint32_t words_per_cell = 0;
  uint32_t shape_bytes = 0;

  const char* shape() const { return reinterpret_cast<const char*>(this + 1); }
  size_t bytes() const { return sizeof(FamilyRecord) + shape_bytes; }

  struct Delete {
    MetricMemory* memory;
    void operator()(FamilyRecord* record) const {
      memory->Free(record, record->bytes(), alignof(FamilyRecord));
    }
  };
  using Owner = std::unique_ptr<FamilyRecord, Delete>;

  // Not published yet. Throws std::bad_alloc.
  static Owner Make(const FamilyShape& shape, uint32_t words_per_cell, MetricMemory& memory);
};

// A shape as bytes, and back: what readers in other processes need of it (label names and limits
// are not among that). nullopt: the bytes are not such, or say what no FamilyShape says.
std::string EncodeShape(const FamilyShape& shape);
std::optional<FamilyShape> DecodeShape(std::string_view bytes);

}  // namespace promplug
