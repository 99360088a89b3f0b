// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>

#include "metrics/cpu_section_control.hpp"
#include "metrics/read_sections.hpp"
#include "metrics/stripes.hpp"

namespace promplug {

// Exclusive stripes that no route leads to any more, until no thread can be writing or reading
// them. Thread-safe.
//
// A fork child that counts on in its parent's segment is not known to membarrier(2) of the parent.
// It would have to stand still in the middle of a section, and not be interrupted, for as long as
// the memory waits here: a quarter of a second and two changes of the read sections.
class DetachedStripes {
 public:
  DetachedStripes() = default;
  DetachedStripes(const DetachedStripes&) = delete;
  DetachedStripes& operator=(const DetachedStripes&) = delete;

  // Takes no memory.
  void Add(Stripes* stripes);

  // Hands all to `sections`, to be freed when what reads them has gone; where threads that write
  // them cannot be ended they stay for the next call. One thread at a time, not one of the host.
  // Throws std::bad_alloc, nothing being changed.
  void Retire(ReadSections* sections, MetricMemory& memory);

  // REQUIRES: nobody updates or reads any more.
  void FreeAll(MetricMemory& memory);

  void LockForFork() { mutex_.lock(); }
  void UnlockAfterFork() { mutex_.unlock(); }

 private:
  static void FreeList(Stripes* first, MetricMemory& memory);

  std::mutex mutex_;
  Stripes* first_ = nullptr;  // guarded by mutex_
};

}  // namespace promplug
