// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.hpp"

namespace promplug {

// What HTTP calls a content coding (RFC 9110, section 8.4.1).
enum class Coding { kIdentity, kGzip, kZstd };

// As in Content-Encoding: "identity", "gzip", "zstd".
std::string_view NameOf(Coding coding);

// Those that compress, what takes the least CPU on this platform first. Valid for ever.
std::span<const Coding> CompressingCodings();

// A streaming compressor. Used by one thread at a time; never blocks. Where *out cannot grow,
// std::bad_alloc is thrown and the stream is of no use any more.
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

// nullptr for the identity, when memory is short, and where the coding's library is not installed
// (which can happen for zstd).
std::unique_ptr<Compressor> NewCompressor(Coding coding);

// A streaming decompressor of RFC 1952: one member or several, whose contents are taken together.
// Used by one thread at a time; never blocks.
class Decompressor {
 public:
  virtual ~Decompressor() = default;
  // Appends what is ready to *out, at most max_bytes of it in this call; *consumed says how much
  // of `input` was used. Whatever fits into max_bytes is given: less than that means that all of
  // `input` was used and nothing is held back. kInvalid when the input is not gzip, kNoMemory; the
  // stream is over then and every call answers the same. Throws std::bad_alloc where *out cannot
  // grow.
  virtual Status Write(std::string_view input, size_t max_bytes, size_t* consumed,
                       std::string* out) = 0;
  // Whether all that came so far is whole members, at least one, their checksums being right.
  virtual bool AtEnd() const = 0;
};

// nullptr when memory is short.
std::unique_ptr<Decompressor> NewGzipDecompressor();

}  // namespace promplug
