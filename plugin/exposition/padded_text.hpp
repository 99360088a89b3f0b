// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

#include "exposition/output_buffer.hpp"

namespace promplug {

// A text that is made once and copied into many lines, in whole blocks without a call: reads and
// writes go up to a block beyond its end. Keeps its memory when it is made anew.
class PaddedText {
 public:
  PaddedText() : bytes_(kBlockBytes) {}

  void Clear() { size_ = 0; }
  void Append(std::string_view text) {
    const size_t needed = size_ + text.size() + kBlockBytes;
    if (bytes_.size() < needed) bytes_.resize(2 * needed);
    if (!text.empty()) std::memcpy(bytes_.data() + size_, text.data(), text.size());
    size_ += text.size();
  }
  size_t size() const { return size_; }
  // Valid until the next change.
  std::string_view view() const { return {bytes_.data(), size_}; }

  // REQUIRES: `out` was claimed from an OutputBuffer, with its slack. Returns the end.
  char* CopyTo(char* out) const {
    const char* in = bytes_.data();
    char* const end = out + size_;
    do {
      std::memcpy(out, in, kBlockBytes);
      out += kBlockBytes;
      in += kBlockBytes;
    } while (out < end);
    return end;
  }

 private:
  static constexpr size_t kBlockBytes = 32;
  static_assert(kBlockBytes <= OutputBuffer::kSlackBytes);

  std::vector<char> bytes_;
  size_t size_ = 0;
};

}  // namespace promplug
