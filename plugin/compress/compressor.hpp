// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// A streaming compressor. Used by one thread at a time; never blocks.
class Compressor {
 public:
  virtual ~Compressor() = default;
  // Compresses `input` and appends what is ready to *out; may append nothing.
  virtual void Write(std::string_view input, std::string* out) = 0;
  // Ends the stream. Write() and Finish() must not be called after it.
  virtual void Finish(std::string* out) = 0;
};

// RFC 1952, made for speed: ISA-L level 1, or zlib level 1 where the platform has no ISA-L.
// nullptr when memory is short.
std::unique_ptr<Compressor> NewGzipCompressor();

// A streaming decompressor of RFC 1952.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // Appends what is ready to *out, at most max_bytes of it in this call; *consumed says how much
  // of `input` was used. kInvalid when the input is not gzip; the stream is over then.
  virtual Status Write(std::string_view input, size_t max_bytes, size_t* consumed,
                       std::string* out) = 0;
  // Whether the end of the gzip stream was reached, its checksum being right.
  virtual bool AtEnd() const = 0;
};

std::unique_ptr<Decompressor> NewGzipDecompressor();

}  // namespace promplug
