// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>

#include "metrics/family_record.hpp"
#include "multiprocess/retained.hpp"

namespace promplug {

// The number of everything that a reader of another process's segment relies on: this header, and
// the layouts of FamilyRecord, Chunk, Series and its cells, Stripes, NativeBuckets, NativeTable,
// SketchPages, SketchPage, ExemplarNode and HostCellNode. A change of any of them is a new number;
// from the one on that is frozen with the ABI, the plugin goes on to read the one before.
inline constexpr uint32_t kSegmentLayout = 2;

inline constexpr char kSegmentMagic[8] = {'p', 'r', 'o', 'm', 'p', 's', 'e', 'g'};

// How far its process has come.
enum class SegmentPhase : uint32_t {
  kCreated = 1,  // counts, does not answer yet
  kRunning = 2,
  kLeaving = 3,  // is in stop(), or past it
};

// The beginning of a segment. All pointers in a segment are those of its owner, who has it at
// `owner_base`, and lead into it.
struct SegmentHeader {
  char magic[8] = {};
  uint32_t layout = 0;
  uint32_t header_bytes = 0;
  Uuid uuid{};
  uint64_t owner_base = 0;
  // So many are there, and written or zero; grows.
  std::atomic<uint64_t> bytes{0};
  // The newest first.
  std::atomic<FamilyRecord*> families{nullptr};
  std::atomic<uint32_t> phase{0};   // SegmentPhase
  std::atomic<uint32_t> worker{0};  // the lowest number that was free when it came
  int64_t created_unix_ms = 0;
};

static_assert(std::atomic<uint64_t>::is_always_lock_free);
static_assert(std::atomic<void*>::is_always_lock_free);

}  // namespace promplug
