// SPDX-License-Identifier: MIT
#include "exposition/wire_writer.hpp"

namespace promplug {

void WireWriter::End(size_t begun) {
  const size_t length = size_ - begun;
  char digits[kMaxVarintBytes];
  const auto n = static_cast<size_t>(WriteVarint(digits, length) - digits);
  if (n > 1) {
    Claim(n - 1);
    char* content = bytes_.get() + begun;
    std::memmove(content + n - 1, content, length);
    size_ += n - 1;
  }
  std::memcpy(bytes_.get() + begun - 1, digits, n);
}

void WireWriter::Grow(size_t n) {
  constexpr size_t kFirstBytes = 4096;
  const size_t capacity = 2 * (size_ + n) + kFirstBytes;
  auto grown = std::make_unique_for_overwrite<char[]>(capacity);
  if (size_ > 0) std::memcpy(grown.get(), bytes_.get(), size_);
  bytes_ = std::move(grown);
  capacity_ = capacity;
}

}  // namespace promplug
