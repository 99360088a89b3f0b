// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "compress/compressor.hpp"

namespace promplug {

// The libraries behind NewCompressor(), for it and for tests and benchmarks.

// RFC 1952 by ISA-L, level 1. nullptr when memory is short, and always where the platform has no
// ISA-L.
std::unique_ptr<Compressor> NewIsalGzipCompressor();
// RFC 1952 by zlib, level 1. nullptr when memory is short.
std::unique_ptr<Compressor> NewZlibGzipCompressor();
// RFC 8878, one frame with a checksum and a window of 64 KiB, by libzstd, level 1. All its memory,
// half a MiB, is taken here; the first call in a process opens libzstd.so.1. nullptr when memory is
// short, and where that library is not installed.
std::unique_ptr<Compressor> NewZstdCompressor();

}  // namespace promplug
