// SPDX-License-Identifier: MIT
#include "compress/compressor.hpp"

#include "compress/gzip_compressors.hpp"

namespace promplug {

std::unique_ptr<Compressor> NewGzipCompressor() {
  std::unique_ptr<Compressor> compressor = NewIsalGzipCompressor();
  return compressor != nullptr ? std::move(compressor) : NewZlibGzipCompressor();
}

}  // namespace promplug
