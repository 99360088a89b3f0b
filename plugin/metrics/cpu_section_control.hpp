// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>

namespace promplug {

// Whether threads of this process may be in sections of CpuSection, and their end.
// Thread-safe.
class CpuSectionControl {
 public:
  // Whether there are such sections here and End() can end them: x86-64, glibc registers rseq
  // (2.35, and not turned off by glibc.pthread.rseq), Linux 5.10. The first call makes the process
  // known to membarrier(2), which takes some milliseconds where it has other threads.
  bool Usable();

  // Every section that another thread has begun before this call is over when it returns: done, or
  // interrupted without having added anything. Some microseconds. False: the system refused, and
  // nothing is known.
  static bool End();

 private:
  enum class Answer : int { kUnknown, kYes, kNo };
  std::atomic<Answer> answer_{Answer::kUnknown};
};

}  // namespace promplug
