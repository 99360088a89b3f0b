// SPDX-License-Identifier: MIT
#include "exposition/output_buffer.hpp"

#include <algorithm>

namespace promplug {

char* OutputBuffer::ClaimLarge(size_t n) {
  if (large_bytes_ < n) {
    large_.reset();
    large_bytes_ = 0;
    large_ = std::make_unique_for_overwrite<char[]>(n + kSlackBytes);
    large_bytes_ = n;
  }
  begin_ = at_ = large_.get();
  limit_ = begin_ + large_bytes_;
  return at_;
}

std::string_view OutputBuffer::Take() {
  const size_t left = static_cast<size_t>(at_ - begin_) - taken_;
  if (left == 0) {
    begin_ = at_ = fixed_.get();
    limit_ = begin_ + capacity_;
    taken_ = 0;
    return {};
  }
  const std::string_view piece(begin_ + taken_, std::min(left, capacity_));
  taken_ += piece.size();
  return piece;
}

}  // namespace promplug
