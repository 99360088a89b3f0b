// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "metrics/cpu_slot.hpp"
#include "metrics/stripes.hpp"

namespace promplug {

// Additions to exclusive stripes: a restartable sequence of Linux (linux/rseq.h), which runs to its
// last instruction on one CPU, without another thread or a signal handler in between, or is given
// up without having done that one.
//
// All add to the cell of the caller's CPU, if `route_word` still is `route`. False, and nothing was
// added: it is something else by now, the thread was interrupted, its CPU has no cell, or it has no
// rseq. REQUIRES: Stripes::IsOpenExclusive(route) [hot]
class CpuSection {
 public:
  // To word `kWord`, a number of that type.
  template <size_t kWord, typename Number>
  [[gnu::always_inline]] static bool Add(const std::atomic<uintptr_t>& route_word, uintptr_t route,
                                         Number n);

  // `v` to word `index`, a double, and one to the word behind it, a count: both or neither.
  // REQUIRES: index is even.
  [[gnu::always_inline]] static bool AddAndCount(const std::atomic<uintptr_t>& route_word,
                                                 uintptr_t route, size_t index, double v);
};

#if defined(__x86_64__)

// The descriptor; the way out, in front of which stands RSEQ_SIG of sys/rseq.h as an instruction
// that traps; the address of the descriptor into rseq_cs of the thread's rseq area; and, from label
// 1 to 2, the section. It finds the cell by cpu_id, which is beyond every count where the thread
// has no rseq. The kernel clears rseq_cs when it finds the thread elsewhere; until then it may
// stay, since promplug.so is never unloaded (-z nodelete). "?" lets the sections go with a copy of
// the function around that the linker drops.
#define PROMPLUG_CPU_SECTION(addition)       \
  ".pushsection __rseq_cs, \"aw?\"\n\t"      \
  ".balign 32\n"                             \
  "3:\n\t"                                   \
  ".long 0, 0\n\t"                           \
  ".quad 1f, 2f - 1f, 4f\n\t"                \
  ".popsection\n\t"                          \
  ".pushsection __rseq_failure, \"ax?\"\n\t" \
  ".byte 0x0f, 0xb9, 0x3d\n\t"               \
  ".long 0x53053053\n"                       \
  "4:\n\t"                                   \
  "jmp %l[given_up]\n\t"                     \
  ".popsection\n\t"                          \
  "leaq 3b(%%rip), %%rax\n\t"                \
  "movq %%rax, %%fs:8(%[rseq])\n"            \
  "1:\n\t"                                   \
  "cmpq %[route], %[word]\n\t"               \
  "jne %l[given_up]\n\t"                     \
  "movl %%fs:4(%[rseq]), %%eax\n\t"          \
  "cmpl %[count], %%eax\n\t"                 \
  "jae %l[given_up]\n\t"                     \
  "movq %c[cells](%[route], %%rax, 8), %%rax\n\t" addition "2:\n"

#define PROMPLUG_CPU_SECTION_INPUTS(route_word, route)                                    \
  [rseq] "r"(kRseqOffset), [word] "m"(route_word), [route] "r"(route),                    \
      [count] "m"(reinterpret_cast<const Stripes*>((route)-Stripes::kExclusive)->count_), \
      [cells] "i"(sizeof(Stripes) - Stripes::kExclusive)

template <size_t kWord, typename Number>
[[gnu::always_inline]] inline bool CpuSection::Add(const std::atomic<uintptr_t>& route_word,
                                                   uintptr_t route, Number n) {
  constexpr size_t kOffset = kWord * sizeof(Word);
  if constexpr (std::is_same_v<Number, double>) {
    asm goto(PROMPLUG_CPU_SECTION("movapd %[n], %%xmm15\n\t"
                                  "addsd %c[at](%%rax), %%xmm15\n\t"
                                  "movsd %%xmm15, %c[at](%%rax)\n")
             :
             : PROMPLUG_CPU_SECTION_INPUTS(route_word, route), [at] "i"(kOffset), [n] "x"(n)
             : "memory", "cc", "rax", "xmm15"
             : given_up);
  } else {
    asm goto(
        PROMPLUG_CPU_SECTION("addq %[n], %c[at](%%rax)\n")
        :
        : PROMPLUG_CPU_SECTION_INPUTS(route_word, route), [at] "i"(kOffset), [n] "er"(uint64_t{n})
        : "memory", "cc", "rax"
        : given_up);
  }
  return true;
given_up:
  return false;
}

// The one store of both is the last instruction. The lower lane is the double: an integer there
// would be a denormal number to addsd, which a host may have turned off.
[[gnu::always_inline]] inline bool CpuSection::AddAndCount(const std::atomic<uintptr_t>& route_word,
                                                           uintptr_t route, size_t index,
                                                           double v) {
  using Words = uint64_t __attribute__((vector_size(16)));
  asm goto(PROMPLUG_CPU_SECTION("movapd (%%rax, %[index], 8), %%xmm15\n\t"
                                "paddq %[one], %%xmm15\n\t"
                                "addsd %[v], %%xmm15\n\t"
                                "movapd %%xmm15, (%%rax, %[index], 8)\n")
           :
           : PROMPLUG_CPU_SECTION_INPUTS(route_word, route), [index] "r"(index),
             [one] "x"(Words{0, 1}), [v] "x"(v)
           : "memory", "cc", "rax", "xmm15"
           : given_up);
  return true;
given_up:
  return false;
}

#undef PROMPLUG_CPU_SECTION_INPUTS
#undef PROMPLUG_CPU_SECTION

#else

template <size_t kWord, typename Number>
inline bool CpuSection::Add(const std::atomic<uintptr_t>&, uintptr_t, Number) {
  return false;
}

inline bool CpuSection::AddAndCount(const std::atomic<uintptr_t>&, uintptr_t, size_t, double) {
  return false;
}

#endif

}  // namespace promplug
