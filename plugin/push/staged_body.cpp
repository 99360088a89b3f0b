// SPDX-License-Identifier: MIT
#include "push/staged_body.hpp"

namespace promplug {

StagedBody::StagedBody(Sent sent, uint64_t max_held_bytes)
    : sent_(sent), max_held_bytes_(max_held_bytes), compressor_(NewGzipCompressor()) {
  if (compressor_ == nullptr) status_ = Status(Code::kNoMemory, "no memory to compress the body");
}

bool StagedBody::Write(std::string_view text) {
  if (!status_.ok()) return false;
  text_bytes_ += text.size();
  std::string* const block = RoomyBlock();
  const size_t before = block->size();
  compressor_->Write(text, block);
  return Count(block->size() - before);
}

bool StagedBody::Finish() {
  if (!status_.ok()) return false;
  std::string* const block = RoomyBlock();
  const size_t before = block->size();
  compressor_->Finish(block);
  compressor_.reset();
  if (!Count(block->size() - before)) return false;
  Rewind();
  return true;
}

// The block to be written to. It grows, which copies it, where more comes at once than compressors
// usually hold back.
std::string* StagedBody::RoomyBlock() {
  constexpr size_t kRoomBytes = kBlockBytes / 2;
  if (blocks_.empty() || blocks_.back().size() > kBlockBytes - kRoomBytes) {
    blocks_.emplace_back().reserve(kBlockBytes);
  }
  return &blocks_.back();
}

bool StagedBody::Count(size_t more_bytes) {
  held_bytes_ += more_bytes;
  if (held_bytes_ <= max_held_bytes_) return true;
  status_ = Status(Code::kLimit, "the body is larger than " + std::to_string(max_held_bytes_) +
                                     " bytes when compressed");
  return false;
}

void StagedBody::Rewind() {
  block_ = 0;
  at_ = 0;
  inflated_.clear();
  inflated_at_ = 0;
  if (sent_ == Sent::kPlain) decompressor_ = NewGzipDecompressor();
}

// What is left of the block that is being read; of the next one where nothing is.
std::string_view StagedBody::Held() {
  while (block_ < blocks_.size() && at_ == blocks_[block_].size()) {
    ++block_;
    at_ = 0;
  }
  if (block_ == blocks_.size()) return {};
  return std::string_view(blocks_[block_]).substr(at_);
}

size_t StagedBody::Read(char* to, size_t max) {
  return sent_ == Sent::kGzip ? ReadHeld(to, max) : ReadInflated(to, max);
}

size_t StagedBody::ReadHeld(char* to, size_t max) {
  size_t n = 0;
  for (std::string_view held = Held(); n < max && !held.empty(); held = Held()) {
    const size_t copied = held.copy(to + n, max - n);
    at_ += copied;
    n += copied;
  }
  return n;
}

size_t StagedBody::ReadInflated(char* to, size_t max) {
  while (inflated_at_ == inflated_.size()) {
    inflated_.clear();
    inflated_at_ = 0;
    const std::string_view held = Held();
    size_t consumed = 0;
    // An end before size() bytes makes the client fail the exchange.
    if (decompressor_ == nullptr ||
        !decompressor_->Write(held, kBlockBytes, &consumed, &inflated_).ok()) {
      return 0;
    }
    at_ += consumed;
    if (inflated_.empty() && held.empty()) return 0;
  }
  const size_t n = inflated_.copy(to, max, inflated_at_);
  inflated_at_ += n;
  return n;
}

}  // namespace promplug
