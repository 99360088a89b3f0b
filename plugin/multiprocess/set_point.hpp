// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include "metrics/point.hpp"

namespace promplug {

// Where a family of a process comes from. The numbers stand in files.
enum class PartKind : uint8_t {
  kInstruments = 1,
  kCollectors = 2,  // collectors and values
  kProcess = 3,
  kSelf = 4,
};

// What stands above the points of one family of one process. The views refer to memory of the
// source.
struct PartHead {
  FamilyHead head;
  PartKind kind = PartKind::kInstruments;
  // Of a collector that runs in one process of the set only: what the process said last is dropped
  // when it ends, since another goes on with the same series.
  bool one_process = false;
  // kHistogram: the limit of native buckets that a merged series keeps; 0: none.
  uint32_t native_max_buckets = 0;
};

// One bucket of a summary's window (metrics/sketch_scale.hpp) that is not empty.
struct SketchBucket {
  int64_t bucket = 0;
  uint64_t count = 0;
};

// One series of one process at one moment, with what a merge needs besides.
struct PartPoint {
  // Of instruments, a summary's quantile_values are not read: they are made from the window. Other
  // kinds have no window: theirs are shown as long as they come from one process.
  Point point;
  // ProcessMode::kLatest: when it was set, nanoseconds since 1970 of a coarse clock; 0: never.
  int64_t stamp_ns = 0;
  // kSummary: what the window holds, ascending by bucket.
  const SketchBucket* window = nullptr;
  size_t n_window = 0;
  // Of the totals of processes that are gone: when a fold last added something, unix time. 0: of a
  // process itself.
  int64_t touched_ms = 0;
  // Of a sum of many processes: what is left of it beside the double that is nearest to it, so that
  // adding up in another order gives the same double.
  double low = 0;
};

// A stream of the points of one family of one process. Used by one thread at a time.
class PartPoints {
 public:
  virtual ~PartPoints() = default;
  // False: there are no more. What *out points to is valid until the next call.
  virtual bool Next(PartPoint* out) = 0;
};

}  // namespace promplug
