// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace promplug {

// Where the rseq area of a thread begins, counted from its thread pointer; 0: there is none. glibc
// 2.35 and newer register one for each thread.
[[gnu::visibility("hidden")]] extern const std::ptrdiff_t kRseqOffset;

// A number made of the caller's stack, for systems that do not tell the CPU.
uint32_t StackSlot();

// A small number that threads running at the same moment rarely share: the number of the CPU, or a
// hash of the stack where the system does not tell. Only speed may depend on it: a thread can move
// on between the call and the use. No system call, no TLS block of this object. [hot]
inline uint32_t CpuSlot() {
  const std::ptrdiff_t offset = kRseqOffset;
  if (offset == 0) [[unlikely]]
    return StackSlot();
  // struct rseq (linux/rseq.h) begins with cpu_id_start, which is always a valid CPU number.
  uint32_t cpu = 0;
#if defined(__x86_64__)
  asm volatile("movl %%fs:(%1), %0" : "=r"(cpu) : "r"(offset));
#elif defined(__aarch64__)
  const char* thread_pointer;
  asm("mrs %0, tpidr_el0" : "=r"(thread_pointer));
  cpu = *reinterpret_cast<const volatile uint32_t*>(thread_pointer + offset);
#endif
  return cpu;
}

}  // namespace promplug
