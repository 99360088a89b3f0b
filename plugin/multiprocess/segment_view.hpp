// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.hpp"
#include "base/owned_fd.hpp"
#include "base/status.hpp"
#include "metrics/foreign_memory.hpp"
#include "metrics/shape.hpp"
#include "multiprocess/segment_layout.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// A segment as a reader has it, mapped for reading. Its owner goes on writing, or is dead. Whatever
// is in the file, nothing outside of it is read; what does not make sense is left out. Used by one
// thread at a time.
class SegmentView {
 public:
  // kInvalid: not a segment; kVersion: of a layout that this plugin does not read; kIo.
  static Result<std::unique_ptr<SegmentView>> Map(int fd);
  ~SegmentView();
  SegmentView(const SegmentView&) = delete;
  SegmentView& operator=(const SegmentView&) = delete;

  const SegmentHeader& header() const { return *static_cast<const SegmentHeader*>(base_); }
  uint32_t worker() const { return header().worker.load(std::memory_order_relaxed); }
  SegmentPhase phase() const {
    return static_cast<SegmentPhase>(header().phase.load(std::memory_order_acquire));
  }
  // Whether the owner has made the file longer than what is mapped: then Map() it again.
  bool Outgrown() const { return header().bytes.load(std::memory_order_acquire) > size_; }

  // Calls use(head, points) for each family. What it is given is valid until it returns. `now` is
  // for the windows of summaries. Throws std::bad_alloc.
  using Use = std::function<void(const PartHead& head, PartPoints* points)>;
  void ForEach(TimePoint now, const Use& use);

 private:
  struct KnownFamily {
    const FamilyRecord* record;  // here
    FamilyShape shape;
    std::vector<std::string_view> states;
    bool good = false;
  };

  SegmentView(const void* base, uint64_t size) : base_(base), size_(size) {}
  ForeignMemory memory() const;
  void FindNewFamilies(const ForeignMemory& memory);

  const void* const base_;
  const uint64_t size_;
  // In the order in which they were made. They never go.
  std::vector<std::unique_ptr<KnownFamily>> families_;
  const FamilyRecord* newest_ = nullptr;  // the owner's pointer
};

}  // namespace promplug
