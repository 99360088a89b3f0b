// SPDX-License-Identifier: MIT
#include "serve/scrape_body.hpp"

#include <utility>

namespace promplug {
namespace {

// One piece of text compresses to a few KiB; several of them are worth one write to a socket.
constexpr size_t kWorthwhileBytes = 16384;

}  // namespace

ScrapeBody::ScrapeBody(Gathering gathering, const ExpositionForm& form,
                       std::unique_ptr<Compressor> compressor)
    : stream_(NewExpositionStream(std::move(gathering), form, Timestamps::kKeep)),
      compressor_(std::move(compressor)) {}

std::string_view ScrapeBody::Next() {
  if (compressor_ == nullptr) return stream_->Next();
  if (given_ == compressed_.size()) Compress();
  const std::string_view piece =
      std::string_view(compressed_).substr(given_, ExpositionStream::kMaxPieceBytes);
  given_ += piece.size();
  return piece;
}

void ScrapeBody::Compress() {
  compressed_.clear();
  given_ = 0;
  while (!finished_ && compressed_.size() < kWorthwhileBytes) {
    const std::string_view piece = stream_->Next();
    if (piece.empty()) {
      compressor_->Finish(&compressed_);
      finished_ = true;
    } else {
      compressor_->Write(piece, &compressed_);
    }
  }
}

}  // namespace promplug
