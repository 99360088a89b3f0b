// SPDX-License-Identifier: MIT
#include <zstd.h>

#include <memory>
#include <new>

#include "compress/compressors.hpp"

namespace promplug {
namespace {

// Level 2 and 3 take up to twice the time for 3 % less; the fast levels below 1 take little less
// and give up to twice the bytes.
constexpr int kLevel = 1;
// 64 KiB: a third of the memory of the level's own window, for 3 % more bytes.
constexpr int kWindowLog = 16;

struct Free {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

class ZstdCompressor final : public Compressor {
 public:
  ZstdCompressor() : context_(ZSTD_createCCtx()) {
    if (context_ == nullptr) return;
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kWindowLog);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
    // The first call is what allocates. Without input and room it does nothing else.
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    ZSTD_outBuffer nowhere{nullptr, 0, 0};
    ready_ =
        !ZSTD_isError(ZSTD_compressStream2(context_.get(), &nowhere, &nothing, ZSTD_e_continue));
  }

  bool ready() const { return ready_; }

  void Write(std::string_view input, std::string* out) override {
    ZSTD_inBuffer left{input.data(), input.size(), 0};
    while (left.pos < left.size) Step(&left, ZSTD_e_continue, out);
  }

  void Finish(std::string* out) override {
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    while (Step(&nothing, ZSTD_e_end, out) != 0) {
    }
  }

 private:
  // Returns 0 when libzstd holds nothing back.
  size_t Step(ZSTD_inBuffer* input, ZSTD_EndDirective directive, std::string* out) {
    ZSTD_outBuffer output{output_, sizeof(output_), 0};
    const size_t left = ZSTD_compressStream2(context_.get(), &output, input, directive);
    // With the settings of the constructor it can fail for want of memory only.
    if (ZSTD_isError(left)) throw std::bad_alloc();
    out->append(output_, output.pos);
    return left;
  }

  std::unique_ptr<ZSTD_CCtx, Free> context_;
  bool ready_ = false;
  char output_[16 * 1024];
};

}  // namespace

std::unique_ptr<Compressor> NewZstdCompressor() {
  std::unique_ptr<ZstdCompressor> compressor(new (std::nothrow) ZstdCompressor);
  if (compressor == nullptr || !compressor->ready()) return nullptr;
  return compressor;
}

}  // namespace promplug
