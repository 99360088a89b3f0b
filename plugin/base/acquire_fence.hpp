// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace promplug {

// What was read before it was read before what is read after it: the end of reading under a version
// (seqlock). The thread sanitizer knows no fences; what it could say of memory that another process
// writes, at another address, is nothing.
inline void AcquireFence() {
#if !defined(__SANITIZE_THREAD__)
  std::atomic_thread_fence(std::memory_order_acquire);
#endif
}

}  // namespace promplug
