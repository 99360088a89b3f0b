// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>
#include <new>

#include "compress/compressor.hpp"
#include "compress/zlib_gzip.hpp"

namespace promplug {
namespace {

class ZlibGzipDecompressor final : public Decompressor {
 public:
  ZlibGzipDecompressor() { ready_ = inflateInit2(&stream_, kGzipWindowBits) == Z_OK; }
  ~ZlibGzipDecompressor() override {
    if (ready_) inflateEnd(&stream_);
  }
  // The stream's state points back to it.
  ZlibGzipDecompressor(const ZlibGzipDecompressor&) = delete;
  ZlibGzipDecompressor& operator=(const ZlibGzipDecompressor&) = delete;

  bool ready() const { return ready_; }

  Status Write(std::string_view input, size_t max_bytes, size_t* consumed,
               std::string* out) override {
    *consumed = 0;
    while (failure_.ok() && max_bytes > 0) {
      if (at_end_ && input.empty()) break;
      const size_t used = Step(input, &max_bytes, out);
      input.remove_prefix(used);
      *consumed += used;
      // Room in the output means that zlib holds nothing back.
      if (input.empty() && stream_.avail_out > 0) break;
    }
    return failure_;
  }

  bool AtEnd() const override { return failure_.ok() && at_end_; }

 private:
  // One run of zlib. Returns how much of `input` was used.
  size_t Step(std::string_view input, size_t* max_bytes, std::string* out) {
    if (at_end_) {
      inflateReset(&stream_);
      at_end_ = false;
    }
    constexpr size_t kMaxStep = std::numeric_limits<uInt>::max();
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(std::min(input.size(), kMaxStep));
    stream_.next_out = output_;
    stream_.avail_out = static_cast<uInt>(std::min(*max_bytes, sizeof(output_)));
    const size_t given = stream_.avail_in;
    const size_t room = stream_.avail_out;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const size_t made = room - stream_.avail_out;
    out->append(reinterpret_cast<const char*>(output_), made);
    *max_bytes -= made;
    Judge(result);
    return given - stream_.avail_in;
  }

  // Z_BUF_ERROR says that zlib needs more input.
  void Judge(int result) {
    if (result == Z_STREAM_END) {
      at_end_ = true;
    } else if (result == Z_MEM_ERROR) {
      failure_ = Status(Code::kNoMemory, "gzip: no memory");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      failure_ = Status(Code::kInvalid, "not valid gzip data");
    }
  }

  z_stream stream_{};
  bool ready_ = false;
  bool at_end_ = false;
  Status failure_;
  Bytef output_[16 * 1024];
};

}  // namespace

std::unique_ptr<Decompressor> NewGzipDecompressor() {
  std::unique_ptr<ZlibGzipDecompressor> decompressor(new (std::nothrow) ZlibGzipDecompressor);
  if (decompressor == nullptr || !decompressor->ready()) return nullptr;
  return decompressor;
}

}  // namespace promplug
