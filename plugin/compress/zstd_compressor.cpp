// SPDX-License-Identifier: MIT
#include <dlfcn.h>
#include <zstd.h>

#include <memory>
#include <new>

#include "compress/compressors.hpp"

namespace promplug {
namespace {

// What is used of libzstd; all nullptr where the library is not there or older than 1.4.
struct Zstd {
  decltype(&ZSTD_createCCtx) create = nullptr;
  decltype(&ZSTD_freeCCtx) free = nullptr;
  decltype(&ZSTD_CCtx_setParameter) set = nullptr;
  decltype(&ZSTD_compressStream2) compress = nullptr;
  decltype(&ZSTD_isError) is_error = nullptr;
};

template <typename F>
bool Find(void* library, const char* name, F* function) {
  *function = reinterpret_cast<F>(::dlsym(library, name));
  return *function != nullptr;
}

Zstd Load() {
  Zstd zstd;
  void* const library = ::dlopen("libzstd.so.1", RTLD_NOW | RTLD_LOCAL);
  const bool complete = library != nullptr && Find(library, "ZSTD_createCCtx", &zstd.create) &&
                        Find(library, "ZSTD_freeCCtx", &zstd.free) &&
                        Find(library, "ZSTD_CCtx_setParameter", &zstd.set) &&
                        Find(library, "ZSTD_compressStream2", &zstd.compress) &&
                        Find(library, "ZSTD_isError", &zstd.is_error);
  return complete ? zstd : Zstd();
}

// Opened by the first scraper that asks for it, for good: linked in, it would add up to 0.4 MiB of
// resident memory to every host.
const Zstd& Library() {
  static const Zstd zstd = Load();
  return zstd;
}

struct Free {
  void operator()(ZSTD_CCtx* context) const { Library().free(context); }
};

// On expositions, levels 2 and 3 take up to half as much time again for 4 % fewer bytes; the fast
// levels below 1 save up to a third of the time for up to twice the bytes.
constexpr int kLevel = 1;
// 64 KiB: two fifths of the memory that the level's own window needs, for 3 to 9 % more bytes.
constexpr int kWindowLog = 16;

class ZstdCompressor final : public Compressor {
 public:
  explicit ZstdCompressor(const Zstd& zstd) : zstd_(zstd), context_(zstd.create()) {
    if (context_ == nullptr) return;
    zstd_.set(context_.get(), ZSTD_c_compressionLevel, kLevel);
    zstd_.set(context_.get(), ZSTD_c_windowLog, kWindowLog);
    zstd_.set(context_.get(), ZSTD_c_checksumFlag, 1);
    // The first call is what allocates. Without input and room it does nothing else.
    ZSTD_inBuffer nothing{nullptr, 0, 0};
    ZSTD_outBuffer nowhere{nullptr, 0, 0};
    ready_ = !zstd_.is_error(zstd_.compress(context_.get(), &nowhere, &nothing, ZSTD_e_continue));
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
    const size_t left = zstd_.compress(context_.get(), &output, input, directive);
    // With the settings of the constructor it can fail for want of memory only.
    if (zstd_.is_error(left)) throw std::bad_alloc();
    out->append(output_, output.pos);
    return left;
  }

  const Zstd& zstd_;
  const std::unique_ptr<ZSTD_CCtx, Free> context_;
  bool ready_ = false;
  char output_[16 * 1024];
};

}  // namespace

std::unique_ptr<Compressor> NewZstdCompressor() {
  const Zstd& zstd = Library();
  if (zstd.create == nullptr) return nullptr;
  std::unique_ptr<ZstdCompressor> compressor(new (std::nothrow) ZstdCompressor(zstd));
  if (compressor == nullptr || !compressor->ready()) return nullptr;
  return compressor;
}

}  // namespace promplug
