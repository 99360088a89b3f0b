// SPDX-License-Identifier: MIT
#include "compress/compressors.hpp"

#ifdef PROMPLUG_HAVE_ISAL

#include <isa-l/igzip_lib.h>

#include <algorithm>
#include <new>

namespace promplug {
namespace {

class IsalGzipCompressor final : public Compressor {
 public:
  IsalGzipCompressor() {
    isal_deflate_init(&stream_);
    stream_.level = 1;
    stream_.level_buf = level_buffer_;
    stream_.level_buf_size = sizeof(level_buffer_);
    stream_.gzip_flag = IGZIP_GZIP;
    // Matches further back than 16 KiB cost more bits than they save: an exposition repeats itself
    // from line to line.
    stream_.hist_bits = 14;
    stream_.flush = NO_FLUSH;
    stream_.end_of_stream = 0;
  }
  // The stream points into this object.
  IsalGzipCompressor(const IsalGzipCompressor&) = delete;
  IsalGzipCompressor& operator=(const IsalGzipCompressor&) = delete;

  void Write(std::string_view input, std::string* out) override {
    constexpr size_t kMaxStep = size_t{1} << 30;  // below the 32 bits of avail_in
    while (!input.empty()) {
      const std::string_view step = input.substr(0, kMaxStep);
      input.remove_prefix(step.size());
      // ISA-L reads only, though the field is not const.
      stream_.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(step.data()));
      stream_.avail_in = static_cast<uint32_t>(step.size());
      Run(out);
    }
  }

  void Finish(std::string* out) override {
    stream_.end_of_stream = 1;
    stream_.next_in = nullptr;
    stream_.avail_in = 0;
    Run(out);
  }

 private:
  // Until all input is taken and nothing is left to be given out.
  void Run(std::string* out) {
    do {
      stream_.next_out = output_;
      stream_.avail_out = sizeof(output_);
      // It can fail only for wrong settings.
      isal_deflate(&stream_);
      out->append(reinterpret_cast<const char*>(output_), sizeof(output_) - stream_.avail_out);
    } while (stream_.avail_out == 0 || stream_.avail_in > 0);
  }

  isal_zstream stream_;
  // As fast and as small as with ISA-L's default of 276 KiB.
  uint8_t level_buffer_[ISAL_DEF_LVL1_SMALL];
  uint8_t output_[16 * 1024];
};

}  // namespace

std::unique_ptr<Compressor> NewIsalGzipCompressor() {
  return std::unique_ptr<Compressor>(new (std::nothrow) IsalGzipCompressor);
}

}  // namespace promplug

#else

namespace promplug {

std::unique_ptr<Compressor> NewIsalGzipCompressor() { return nullptr; }

}  // namespace promplug

#endif
