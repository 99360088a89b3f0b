// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

// glibc 2.35 and newer keep a registered rseq area for each thread; elsewhere the symbol is absent.
extern "C" {
extern const std::ptrdiff_t __rseq_offset __attribute__((weak));
}

namespace promplug {

// A small number that threads running at the same moment rarely share: the number of the CPU, or a
// hash of the stack where the system does not tell. Only speed may depend on it: a thread can move
// on between the call and the use. No system call, no TLS block of this object.
inline uint32_t CpuSlot() {
#if defined(__x86_64__) || defined(__aarch64__)
  if (&__rseq_offset != nullptr) {
    char* thread_pointer;
#if defined(__x86_64__)
    asm("mov %%fs:0, %0" : "=r"(thread_pointer));
#else
    asm("mrs %0, tpidr_el0" : "=r"(thread_pointer));
#endif
    // struct rseq (linux/rseq.h) begins with cpu_id_start, which is always a valid CPU number.
    return *reinterpret_cast<const volatile uint32_t*>(thread_pointer + __rseq_offset);
  }
#endif
  char here;
  return static_cast<uint32_t>((reinterpret_cast<uintptr_t>(&here) >> 12) * 0x9E3779B1u >> 20);
}

}  // namespace promplug
