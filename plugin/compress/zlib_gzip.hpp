// SPDX-License-Identifier: MIT
#pragma once

#include <zlib.h>

namespace promplug {

// For deflateInit2 and inflateInit2: the largest window, in a gzip wrapper.
inline constexpr int kGzipWindowBits = 16 + MAX_WBITS;

}  // namespace promplug
