// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <zstd.h>

#include <fstream>
#include <iterator>
#include <random>
#include <string>

#include "compress/compressors.hpp"

namespace promplug {
namespace {

std::string RealExposition() {
  std::ifstream file(PROMPLUG_TEST_DATA "/node_exporter_all_collectors.txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Compressed(std::string_view text, size_t step) {
  const auto compressor = NewZstdCompressor();
  std::string out;
  for (size_t at = 0; at < text.size(); at += step) compressor->Write(text.substr(at, step), &out);
  compressor->Finish(&out);
  return out;
}

// One frame, read by libzstd in one go: more input than the frame is an error there.
std::string Decompressed(const std::string& frame, size_t expected_bytes) {
  EXPECT_EQ(ZSTD_findFrameCompressedSize(frame.data(), frame.size()), frame.size());
  std::string text(expected_bytes + 64, '\0');
  const size_t size = ZSTD_decompress(text.data(), text.size(), frame.data(), frame.size());
  if (ZSTD_isError(size)) return ZSTD_getErrorName(size);
  text.resize(size);
  return text;
}

TEST(Zstd, IsReadBackWhateverTheSizesOfThePieces) {
  const std::string text = RealExposition();
  ASSERT_GT(text.size(), 150000U);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{1000}, size_t{65536}, text.size()}) {
    EXPECT_EQ(Decompressed(Compressed(text, step), text.size()), text) << step;
  }
}

TEST(Zstd, OfNothingIsAWholeFrame) { EXPECT_EQ(Decompressed(Compressed("", 1), 0), ""); }

TEST(Zstd, KeepsWhatCannotBeMadeSmaller) {
  std::mt19937_64 random(1);
  for (const size_t n : {1U, 100U, 16383U, 16384U, 16385U, 200000U, 3000000U}) {
    std::string bytes(n, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    EXPECT_EQ(Decompressed(Compressed(bytes, 65536), n), bytes) << n;
  }
}

TEST(Zstd, MakesAnExpositionAtLeastSixTimesSmaller) {
  const std::string text = RealExposition();
  EXPECT_LT(Compressed(text, 65536).size() * 6, text.size());
}

TEST(Zstd, AFrameThatWasChangedOnTheWayIsNotTaken) {
  std::string frame = Compressed("some text", 99);
  frame[frame.size() - 1] ^= 1;
  EXPECT_NE(Decompressed(frame, 9), "some text");
}

TEST(Zstd, ItsReaderNeedsAWindowOf64KiBAtMost) {
  const std::string frame = Compressed(std::string(1000000, 'x'), 65536);
  ZSTD_DCtx* const reader = ZSTD_createDCtx();
  ASSERT_FALSE(ZSTD_isError(ZSTD_DCtx_setParameter(reader, ZSTD_d_windowLogMax, 16)));
  std::string text(1000000, '\0');
  ZSTD_inBuffer in{frame.data(), frame.size(), 0};
  ZSTD_outBuffer out{text.data(), text.size(), 0};
  EXPECT_EQ(ZSTD_decompressStream(reader, &out, &in), 0U);
  EXPECT_EQ(out.pos, text.size());
  ZSTD_freeDCtx(reader);
}

TEST(Zstd, AppendsToWhatIsThere) {
  const auto compressor = NewZstdCompressor();
  std::string out = "before";
  compressor->Write("text", &out);
  compressor->Finish(&out);
  ASSERT_EQ(out.substr(0, 6), "before");
  EXPECT_EQ(Decompressed(out.substr(6), 4), "text");
}

TEST(Zstd, CanBeLeftUnfinished) {
  const auto compressor = NewZstdCompressor();
  std::string out;
  compressor->Write(RealExposition(), &out);
}

TEST(Compressor, IsMadeByTheNameOfItsCoding) {
  for (const Coding coding : CompressingCodings()) {
    const auto compressor = NewCompressor(coding);
    ASSERT_NE(compressor, nullptr) << NameOf(coding);
    std::string out;
    compressor->Finish(&out);
    EXPECT_EQ(out.substr(0, 2), coding == Coding::kZstd ? "\x28\xb5" : "\x1f\x8b");
  }
  EXPECT_EQ(NewCompressor(Coding::kIdentity), nullptr);
}

}  // namespace
}  // namespace promplug
