// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace promplug {

struct FamilyRecord;

// Where the values of a registry live: the memory of this process, or a mapped file that other
// processes read (multiprocess/segment.hpp). Whatever a reader needs of a series is in it. Blocks
// never move. Thread-safe.
class MetricMemory {
 public:
  virtual ~MetricMemory() = default;

  // Zeroed, at a multiple of `alignment` (a power of two, at most 128). nullptr when memory is
  // short.
  virtual void* Allocate(size_t bytes, size_t alignment) noexcept = 0;
  // The same for an update, which may not wait for a thread that allocates, nor for a file to grow:
  // nullptr also where it would have to.
  virtual void* TryAllocate(size_t bytes, size_t alignment) noexcept = 0;
  // For a thread that may wait, again and again: makes room ahead for TryAllocate(), where that was
  // called since.
  virtual void MakeRoom() noexcept = 0;
  // With what Allocate() was told. nullptr does nothing.
  virtual void Free(void* block, size_t bytes, size_t alignment) noexcept = 0;
  // Whether other processes read it.
  virtual bool shared() const = 0;
  // Makes the record, which is in this memory and stays there, known to them.
  virtual void Publish(FamilyRecord* record) = 0;

  // The memory of this process; lives for ever.
  static MetricMemory& Heap();
};

}  // namespace promplug
