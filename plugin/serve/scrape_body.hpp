// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "compress/compressor.hpp"
#include "exposition/stream.hpp"

namespace promplug {

// The body of one answer, made piece by piece; compressed on the way where a compressor is given.
// Used by one thread at a time; never blocks. May throw std::bad_alloc; the body is unusable then.
class ScrapeBody {
 public:
  // `compressor` may be nullptr.
  ScrapeBody(Gathering gathering, const ExpositionForm& form,
             std::unique_ptr<Compressor> compressor);

  // The next piece, at most ExpositionStream::kMaxPieceBytes long; empty: that was all. Valid until
  // the next call.
  std::string_view Next();

 private:
  void Compress();

  std::unique_ptr<ExpositionStream> stream_;
  std::unique_ptr<Compressor> compressor_;
  std::string compressed_;
  size_t given_ = 0;  // bytes of compressed_
  bool finished_ = false;
};

}  // namespace promplug
