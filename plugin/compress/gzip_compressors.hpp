// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "compress/compressor.hpp"

namespace promplug {

// The two behind NewGzipCompressor(), for it and for tests.

// nullptr when memory is short, and always where the platform has no ISA-L.
std::unique_ptr<Compressor> NewIsalGzipCompressor();
// nullptr when memory is short.
std::unique_ptr<Compressor> NewZlibGzipCompressor();

}  // namespace promplug
