// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/owned_fd.hpp"
#include "base/status.hpp"
#include "metrics/foreign_memory.hpp"
#include "metrics/shape.hpp"
#include "multiprocess/segment_layout.hpp"
#include "multiprocess/segment_points.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// A segment as a reader has it, mapped for reading. Its owner goes on writing, or is dead. Whatever
// is in the file, nothing outside of it is read; what does not make sense is left out. Used by one
// thread at a time.
class SegmentView {
 public:
  // Opens the same file again. It is asked where the owner has made the file longer, so that a view
  // keeps no descriptor.
  using Reopen = std::function<Result<OwnedFd>()>;
  // kInvalid: not a segment; kVersion: of a layout that this plugin does not read; kIo. Without
  // `reopen`, for a file that does not grow any more.
  static Result<std::unique_ptr<SegmentView>> Map(int fd, Reopen reopen = nullptr);
  SegmentView(const SegmentView&) = delete;
  SegmentView& operator=(const SegmentView&) = delete;

  // Valid until the next ForEach().
  const SegmentHeader& header() const { return mapping_.header(); }
  uint32_t worker() const { return header().worker.load(std::memory_order_relaxed); }
  SegmentPhase phase() const {
    return static_cast<SegmentPhase>(header().phase.load(std::memory_order_acquire));
  }

  // Calls use(head, points) for each family. What it is given is valid until it returns. Whatever
  // was there before the call is given; of a file that is gone, what is mapped. `now` is for the
  // windows of summaries. kIo: the file is longer and cannot be opened again; nothing was used.
  // Throws std::bad_alloc.
  using Use = std::function<void(const PartHead& head, PartPoints* points)>;
  Status ForEach(TimePoint now, const Use& use);

 private:
  struct KnownFamily {
    const FamilyRecord* record = nullptr;  // the owner's pointer
    SegmentLists lists;
    FamilyShape shape;
    std::vector<std::string_view> states;
  };

  // A file, mapped as a whole.
  class Mapping {
   public:
    static Result<Mapping> Make(int fd);
    Mapping(Mapping&& other) noexcept
        : base_(std::exchange(other.base_, nullptr)), size_(other.size_) {}
    Mapping& operator=(Mapping&& other) noexcept {
      std::swap(base_, other.base_);
      std::swap(size_, other.size_);
      return *this;
    }
    ~Mapping();
    const SegmentHeader& header() const { return *static_cast<const SegmentHeader*>(base_); }
    const void* base() const { return base_; }
    uint64_t size() const { return size_; }

   private:
    Mapping(void* base, uint64_t size) : base_(base), size_(size) {}
    void* base_;
    uint64_t size_;
  };

  SegmentView(Mapping mapping, Reopen reopen);
  // Follows the file. kIo
  Status UpdateMemory();
  Status MapAgain();
  Status FindNewFamilies();
  Status FindLists();

  Mapping mapping_;
  const Reopen reopen_;
  const uint64_t owner_base_;
  ForeignMemory memory_;
  // In the order in which they were made. They never go.
  std::vector<std::unique_ptr<KnownFamily>> families_;
  const FamilyRecord* newest_ = nullptr;  // the owner's pointer
  uint64_t family_bytes_ = 0;             // of all records that were looked at
};

}  // namespace promplug
