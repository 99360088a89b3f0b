// SPDX-License-Identifier: MIT
#include "metrics/cpu_section_control.hpp"

#if defined(__x86_64__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "metrics/cpu_slot.hpp"

extern "C" {
// NOLINTNEXTLINE(bugprone-reserved-identifier): of glibc 2.35 and later
extern const unsigned int __rseq_size __attribute__((weak));
}
#endif

namespace promplug {

#if defined(__x86_64__)

namespace {

bool Membarrier(int command) { return ::syscall(SYS_membarrier, command, 0, 0) == 0; }

bool Register() { return Membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ); }

// The offset is there also where glibc was told to register nothing.
bool GlibcRegisters() { return kRseqOffset != 0 && &__rseq_size != nullptr && __rseq_size != 0; }

}  // namespace

bool CpuSectionControl::Usable() {
  Answer answer = answer_.load(std::memory_order_relaxed);
  if (answer == Answer::kUnknown) {
    answer = GlibcRegisters() && Register() ? Answer::kYes : Answer::kNo;
    answer_.store(answer, std::memory_order_relaxed);
  }
  return answer == Answer::kYes;
}

bool CpuSectionControl::End() {
  if (Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ)) return true;
  // A fork child has to make itself known where the kernel does not hand that on.
  return errno == EPERM && Register() && Membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
}

#else

bool CpuSectionControl::Usable() { return false; }
bool CpuSectionControl::End() { return true; }

#endif

}  // namespace promplug
