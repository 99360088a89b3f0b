// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>

#include "compress/compressor.hpp"
#include "compress/compressors.hpp"

namespace {
// The operators are not inlined: gcc would take their malloc and free for a mismatch.
// operator new fails while this is set.
std::atomic<bool> no_memory{false};

void* Allocate(size_t n) { return no_memory ? nullptr : std::malloc(n == 0 ? 1 : n); }
}  // namespace

[[gnu::noinline]] void* operator new(size_t n) {
  if (void* memory = Allocate(n)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t n, const std::nothrow_t&) noexcept {
  return Allocate(n);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}

namespace promplug {
namespace {

template <typename T>
bool IsNullWithoutMemory(std::unique_ptr<T> (*make)()) {
  no_memory = true;
  const std::unique_ptr<T> made = make();
  no_memory = false;
  return made == nullptr;
}

TEST(CompressorMemory, NothingIsMadeWithoutMemory) {
  EXPECT_TRUE(IsNullWithoutMemory(&NewGzipCompressor));
  EXPECT_TRUE(IsNullWithoutMemory(&NewIsalGzipCompressor));
  EXPECT_TRUE(IsNullWithoutMemory(&NewZlibGzipCompressor));
  EXPECT_TRUE(IsNullWithoutMemory(&NewZstdCompressor));
  EXPECT_TRUE(IsNullWithoutMemory(&NewGzipDecompressor));
}

TEST(CompressorMemory, WhereTheOutputCannotGrowItIsAnExceptionAndNoCrash) {
  for (const auto make : {&NewGzipCompressor, &NewZlibGzipCompressor, &NewZstdCompressor}) {
    const auto compressor = make();
    std::string out;
    const std::string text(1000, 'x');
    no_memory = true;
    bool thrown = false;
    try {
      compressor->Write(text, &out);
      compressor->Finish(&out);
    } catch (const std::bad_alloc&) {
      thrown = true;
    }
    no_memory = false;
    EXPECT_TRUE(thrown);
  }
}

}  // namespace
}  // namespace promplug
