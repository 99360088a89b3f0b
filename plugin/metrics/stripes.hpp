// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace promplug {

using Word = std::atomic<uint64_t>;

// Copies of the cell of one series, one for each CPU (a power of two, at most kMax), each on lines
// of its own, so that CPUs do not contend for one. The value of a series is the sum of its own cell
// and all stripes; a wrong CPU number costs speed only, since every addition is atomic.
class Stripes {
 public:
  static constexpr uint32_t kMax = 16;

  // All zero. nullptr when memory is short. Freed by Free().
  static Stripes* Make(size_t words_per_cell, uint32_t cpus);
  static void Free(Stripes* stripes);

  Word* CellFor(uint32_t cpu_slot) { return Cell(cpu_slot & mask_); }
  Word* Cell(uint32_t index) {
    return reinterpret_cast<Word*>(reinterpret_cast<char*>(this) + kLineBytes +
                                   static_cast<size_t>(index) * stride_bytes_);
  }
  uint32_t count() const { return mask_ + 1; }

 private:
  // Two lines: the hardware fetches pairs.
  static constexpr size_t kLineBytes = 128;

  Stripes(uint32_t mask, uint32_t stride_bytes) : mask_(mask), stride_bytes_(stride_bytes) {}

  uint32_t mask_;
  uint32_t stride_bytes_;
};

}  // namespace promplug
