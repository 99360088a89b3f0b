// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "compress/compressor.hpp"
#include "http/http_client.hpp"

namespace promplug {

// A push body that is complete in memory before its first byte is sent, because the Pushgateway
// takes a cut body for a whole one. Held as gzip in blocks; where it is to be sent plain, it is
// inflated while it is sent. First Write(), then Finish(), then the functions of HttpBody. Used by
// one thread at a time.
class StagedBody final : public HttpBody {
 public:
  enum class Sent { kGzip, kPlain };
  static constexpr uint64_t kMaxHeldBytes = 64u << 20;

  explicit StagedBody(Sent sent, uint64_t max_held_bytes = kMaxHeldBytes);

  // Both: false when the cap is reached or there was no memory for the compressor; status() says
  // so, and the body must not be sent. Throw std::bad_alloc where there is none for a block.
  bool Write(std::string_view text);
  bool Finish();
  const Status& status() const { return status_; }
  Sent sent() const { return sent_; }

  // REQUIRES for all three: Finish() has returned true.
  uint64_t size() const override { return sent_ == Sent::kGzip ? held_bytes_ : text_bytes_; }
  void Rewind() override;
  size_t Read(char* to, size_t max) override;

 private:
  static constexpr size_t kBlockBytes = size_t{64} * 1024;

  std::string* RoomyBlock();
  bool Count(size_t more_bytes);
  std::string_view Held();
  size_t ReadHeld(char* to, size_t max);
  size_t ReadInflated(char* to, size_t max);

  const Sent sent_;
  const uint64_t max_held_bytes_;
  Status status_;
  std::unique_ptr<Compressor> compressor_;
  std::vector<std::string> blocks_;
  uint64_t held_bytes_ = 0;
  uint64_t text_bytes_ = 0;

  // What is read next of what is held.
  size_t block_ = 0;
  size_t at_ = 0;
  std::unique_ptr<Decompressor> decompressor_;
  std::string inflated_;
  size_t inflated_at_ = 0;
};

}  // namespace promplug
