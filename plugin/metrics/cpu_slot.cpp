// SPDX-License-Identifier: MIT
#include "metrics/cpu_slot.hpp"

extern "C" {
// NOLINTNEXTLINE(bugprone-reserved-identifier): of glibc 2.35 and later
extern const std::ptrdiff_t __rseq_offset __attribute__((weak));
}

namespace promplug {

#if defined(__x86_64__) || defined(__aarch64__)
const std::ptrdiff_t kRseqOffset = &__rseq_offset != nullptr ? __rseq_offset : 0;
#else
const std::ptrdiff_t kRseqOffset = 0;
#endif

uint32_t StackSlot() {
  char here;
  return static_cast<uint32_t>((reinterpret_cast<uintptr_t>(&here) >> 12) * 0x9E3779B1u >> 20);
}

}  // namespace promplug
