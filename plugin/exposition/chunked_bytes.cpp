// SPDX-License-Identifier: MIT
#include "exposition/chunked_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace promplug {

void ChunkedBytes::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t chunk = size_ / kChunkBytes;
    const size_t offset = size_ % kChunkBytes;
    if (chunk == chunks_.size()) {
      chunks_.push_back(std::make_unique_for_overwrite<char[]>(kChunkBytes));
    }
    const size_t n = std::min(bytes.size(), kChunkBytes - offset);
    std::memcpy(chunks_[chunk].get() + offset, bytes.data(), n);
    bytes.remove_prefix(n);
    size_ += n;
  }
}

bool ChunkedBytes::GiveOut(OutputBuffer* out) {
  while (given_ < size_) {
    const size_t offset = given_ % kChunkBytes;
    const size_t n = std::min(size_ - given_, kChunkBytes - offset);
    char* at = out->Claim(n);
    if (at == nullptr) return false;
    std::memcpy(at, chunks_[given_ / kChunkBytes].get() + offset, n);
    out->Commit(at + n);
    given_ += n;
  }
  size_ = given_ = 0;
  if (chunks_.size() > kKeptChunks) chunks_.resize(kKeptChunks);
  return true;
}

}  // namespace promplug
