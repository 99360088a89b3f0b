// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "exposition/output_buffer.hpp"

namespace promplug {

// Bytes of any number that are held until they can be given out: in chunks, so that growing copies
// nothing. Filled whole, then given out whole. Not thread-safe.
class ChunkedBytes {
 public:
  // Throws std::bad_alloc. REQUIRES: nothing was given out since the last GiveOut() that was true.
  void Append(std::string_view bytes);
  size_t size() const { return size_; }
  // Moves on to `out` what is left; false: `out` is full, call again. When all is given out it is
  // empty, and of its memory little is kept.
  bool GiveOut(OutputBuffer* out);

 private:
  // A quarter of what an OutputBuffer holds: the pieces that are given out are nearly full.
  static constexpr size_t kChunkBytes = size_t{16} * 1024;
  static constexpr size_t kKeptChunks = 64;

  std::vector<std::unique_ptr<char[]>> chunks_;  // all full but the last that is in use
  size_t size_ = 0;
  size_t given_ = 0;
};

}  // namespace promplug
