// SPDX-License-Identifier: MIT
#include <algorithm>
#include <new>

#include "compress/compressors.hpp"
#include "compress/zlib_gzip.hpp"

namespace promplug {
namespace {

class ZlibGzipCompressor final : public Compressor {
 public:
  ZlibGzipCompressor() {
    constexpr int kDefaultMemLevel = 8;
    ready_ = deflateInit2(&stream_, 1, Z_DEFLATED, kGzipWindowBits, kDefaultMemLevel,
                          Z_DEFAULT_STRATEGY) == Z_OK;
  }
  ~ZlibGzipCompressor() override {
    if (ready_) deflateEnd(&stream_);
  }
  // The stream's state points back to it.
  ZlibGzipCompressor(const ZlibGzipCompressor&) = delete;
  ZlibGzipCompressor& operator=(const ZlibGzipCompressor&) = delete;

  bool ready() const { return ready_; }

  void Write(std::string_view input, std::string* out) override {
    constexpr size_t kMaxStep = size_t{1} << 30;  // below the 32 bits of avail_in
    while (!input.empty()) {
      const std::string_view step = input.substr(0, kMaxStep);
      input.remove_prefix(step.size());
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(step.data()));
      stream_.avail_in = static_cast<uInt>(step.size());
      Run(Z_NO_FLUSH, out);
    }
  }

  void Finish(std::string* out) override {
    stream_.next_in = nullptr;
    stream_.avail_in = 0;
    Run(Z_FINISH, out);
  }

 private:
  // zlib has taken all input when it leaves room in the output. It can fail only for wrong
  // arguments; Z_BUF_ERROR says that there was nothing to do.
  void Run(int flush, std::string* out) {
    do {
      stream_.next_out = output_;
      stream_.avail_out = sizeof(output_);
      deflate(&stream_, flush);
      out->append(reinterpret_cast<const char*>(output_), sizeof(output_) - stream_.avail_out);
    } while (stream_.avail_out == 0);
  }

  z_stream stream_{};
  bool ready_ = false;
  Bytef output_[16 * 1024];
};

}  // namespace

std::unique_ptr<Compressor> NewZlibGzipCompressor() {
  std::unique_ptr<ZlibGzipCompressor> compressor(new (std::nothrow) ZlibGzipCompressor);
  if (compressor == nullptr || !compressor->ready()) return nullptr;
  return compressor;
}

}  // namespace promplug
