// SPDX-License-Identifier: MIT
#include "push/staged_body.hpp"

#include <algorithm>
#include <cstring>

namespace promplug {

StagedBody::StagedBody(Sent sent, uint64_t max_held_bytes)
    : sent_(sent), max_held_bytes_(max_held_bytes), compressor_(NewGzipCompressor()) {
  if (compressor_ == nullptr) status_ = Status(Code::kNoMemory, "no memory to compress the body");
}

bool StagedBody::Write(std::string_view text) {
  if (!status_.ok()) return false;
  text_bytes_ += text.size();
  compressor_->Write(text, &fresh_);
  return Hold();
}

bool StagedBody::Finish() {
  if (!status_.ok()) return false;
  compressor_->Finish(&fresh_);
  compressor_.reset();
  if (!Hold()) return false;
  fresh_ = std::string();
  Rewind();
  return true;
}

bool StagedBody::Hold() {
  if (fresh_.size() > max_held_bytes_ - held_bytes_) {
    status_ = Status(Code::kLimit, "the body is larger than " + std::to_string(max_held_bytes_) +
                                       " bytes when compressed");
    return false;
  }
  std::string_view left = fresh_;
  while (!left.empty()) {
    const size_t used = held_bytes_ % kBlockBytes;
    if (used == 0) blocks_.push_back(std::make_unique_for_overwrite<char[]>(kBlockBytes));
    const size_t n = std::min(left.size(), kBlockBytes - used);
    std::memcpy(blocks_.back().get() + used, left.data(), n);
    held_bytes_ += n;
    left.remove_prefix(n);
  }
  fresh_.clear();
  return true;
}

void StagedBody::Rewind() {
  at_ = 0;
  inflated_.clear();
  inflated_at_ = 0;
  if (sent_ == Sent::kPlain) decompressor_ = NewGzipDecompressor();
}

// To the end of the block that `offset` is in.
std::string_view StagedBody::HeldFrom(uint64_t offset) const {
  const size_t within = offset % kBlockBytes;
  const auto n = std::min<uint64_t>(kBlockBytes - within, held_bytes_ - offset);
  if (n == 0) return {};
  return {blocks_[offset / kBlockBytes].get() + within, static_cast<size_t>(n)};
}

size_t StagedBody::Read(char* to, size_t max) {
  return sent_ == Sent::kGzip ? ReadHeld(to, max) : ReadInflated(to, max);
}

size_t StagedBody::ReadHeld(char* to, size_t max) {
  const std::string_view bytes = HeldFrom(at_).substr(0, max);
  bytes.copy(to, bytes.size());
  at_ += bytes.size();
  return bytes.size();
}

size_t StagedBody::ReadInflated(char* to, size_t max) {
  while (inflated_at_ == inflated_.size()) {
    inflated_.clear();
    inflated_at_ = 0;
    const std::string_view held = HeldFrom(at_);
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
