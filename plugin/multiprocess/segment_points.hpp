// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "metrics/foreign_memory.hpp"
#include "metrics/native_reading.hpp"
#include "metrics/series_arena.hpp"
#include "metrics/shape.hpp"
#include "multiprocess/segment_exemplars.hpp"
#include "multiprocess/segment_host_cells.hpp"
#include "multiprocess/segment_series.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// The newest members of those lists of a family that grow at their beginning; the owner's pointers.
struct SegmentLists {
  const ExemplarNode* exemplars = nullptr;
  const HostCellNode* host_cells = nullptr;
};

// The series of one family in another process's segment, while that goes on. A series is read
// between two looks at the words that change when it goes or when its block is used again: what was
// read half before and half after is read again, or left out.
class SegmentPoints final : public PartPoints {
 public:
  // Whether cells of so many words are those of such a family.
  static bool Fits(const FamilyShape& shape, uint32_t words_per_cell);

  // All must outlive it. REQUIRES: Fits()
  SegmentPoints(LimitedMemory* memory, const FamilyRecord& record, const SegmentLists& lists,
                const FamilyShape& shape, const std::vector<std::string_view>& states,
                TimePoint now);

  bool Next(PartPoint* out) override;

 private:
  const Series* NextBlock();
  bool EnterChunk(const Chunk* owner_pointer);
  // False: it is not to be shown.
  bool Read(const Series& series, PartPoint* out);
  bool ReadOnce(const Series& series, const SegmentSeries::Identity& seen, PartPoint* out);
  // Calls use(stripe) for every one, each of so many words.
  template <typename Use>
  void EachStripe(uintptr_t route, size_t words, const Use& use);
  void ReadCounter(const Series& series, uintptr_t route, Point* out);
  void ReadHistogram(const Series& series, uintptr_t route, Point* out);
  void ReadNative(const Series& series, Point* out);
  void ReadSummary(const Series& series, PartPoint* out);
  void ReadSingle(const Series& series, PartPoint* out) const;
  uint64_t HostCells(const Series& series);
  const Series* OwnersPointer(const Series& series) const;

  LimitedMemory& memory_;
  const FamilyRecord& record_;
  const FamilyShape& shape_;
  const std::vector<std::string_view>& states_;
  const TimePoint now_;
  const uint32_t words_;
  const bool stamped_;

  const Chunk* chunk_ = nullptr;          // here
  const Chunk* chunk_pointer_ = nullptr;  // of the owner
  uint32_t used_ = 0;
  uint32_t offset_ = 0;
  uint32_t block_bytes_ = 0;  // of the series that is being read

  std::string labels_;
  std::vector<uint64_t> counts_;
  std::vector<SketchBucket> window_;
  NativeReading native_;
  SegmentExemplars exemplars_;
  SegmentHostCells host_cells_;
};

}  // namespace promplug
