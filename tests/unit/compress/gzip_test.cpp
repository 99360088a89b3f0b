// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compress/compressor.hpp"
#include "compress/compressors.hpp"

namespace promplug {
namespace {

using Factory = std::unique_ptr<Compressor> (*)();

struct Kind {
  const char* name;
  Factory make;
};

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds{{"Default", &NewGzipCompressor}, {"Zlib", &NewZlibGzipCompressor}};
  if (NewIsalGzipCompressor() != nullptr) kinds.push_back({"Isal", &NewIsalGzipCompressor});
  return kinds;
}

std::string RealExposition() {
  std::ifstream file(PROMPLUG_TEST_DATA "/node_exporter_default.txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string RandomBytes(size_t n) {
  std::mt19937_64 random(n);
  std::string bytes(n, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

std::string Compressed(Factory make, std::string_view text, size_t step) {
  const auto compressor = make();
  std::string out;
  for (size_t at = 0; at < text.size(); at += step) compressor->Write(text.substr(at, step), &out);
  compressor->Finish(&out);
  return out;
}

// The whole of one member, read by zlib itself in one go; no Decompressor of ours.
std::string InflatedByZlib(std::string compressed, size_t expected_bytes) {
  std::string text(expected_bytes + 64, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U) << "bytes after the end";
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

// Reads all, `step` bytes of input and `max` bytes of output at once.
Status Inflated(std::string_view compressed, size_t step, size_t max, std::string* text,
                bool* at_end = nullptr) {
  const auto decompressor = NewGzipDecompressor();
  Status status;
  while (status.ok()) {
    const size_t before = text->size();
    const std::string_view input = compressed.substr(0, step);
    size_t consumed = 0;
    status = decompressor->Write(input, max, &consumed, text);
    EXPECT_LE(text->size() - before, max);
    EXPECT_LE(consumed, input.size());
    compressed.remove_prefix(consumed);
    const bool all = text->size() - before < max;
    if (status.ok() && all) {
      EXPECT_EQ(consumed, input.size());
    }
    if (all && compressed.empty()) break;
  }
  if (at_end != nullptr) *at_end = decompressor->AtEnd();
  return status;
}

class Gzip : public ::testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Of, Gzip, ::testing::ValuesIn(Kinds()),
                         [](const auto& kind) { return kind.param.name; });

TEST_P(Gzip, IsReadBackByZlibWhateverTheSizesOfThePieces) {
  const std::string text = RealExposition();
  ASSERT_GT(text.size(), 50000U);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{1000}, size_t{65536}, text.size()}) {
    EXPECT_EQ(InflatedByZlib(Compressed(GetParam().make, text, step), text.size()), text) << step;
  }
}

TEST_P(Gzip, OfNothingIsAWholeMember) {
  EXPECT_EQ(InflatedByZlib(Compressed(GetParam().make, "", 1), 0), "");
}

TEST_P(Gzip, KeepsWhatCannotBeMadeSmaller) {
  for (const size_t n : {1U, 100U, 16383U, 16384U, 16385U, 200000U, 3000000U}) {
    const std::string bytes = RandomBytes(n);
    EXPECT_EQ(InflatedByZlib(Compressed(GetParam().make, bytes, 65536), n), bytes) << n;
  }
}

TEST_P(Gzip, MakesAnExpositionAtLeastFourTimesSmaller) {
  const std::string text = RealExposition();
  EXPECT_LT(Compressed(GetParam().make, text, 65536).size() * 4, text.size());
}

TEST_P(Gzip, AppendsToWhatIsThere) {
  const auto compressor = GetParam().make();
  std::string out = "before";
  compressor->Write("text", &out);
  compressor->Finish(&out);
  ASSERT_EQ(out.substr(0, 6), "before");
  EXPECT_EQ(InflatedByZlib(out.substr(6), 4), "text");
}

TEST_P(Gzip, CanBeLeftUnfinished) {
  const auto compressor = GetParam().make();
  std::string out;
  compressor->Write(RealExposition(), &out);
}

TEST(GzipCompressors, AreOfIsalWhereItsHeadersAre) {
#if __has_include(<isa-l/igzip_lib.h>)
  EXPECT_NE(NewIsalGzipCompressor(), nullptr);
#else
  EXPECT_EQ(NewIsalGzipCompressor(), nullptr);
#endif
  EXPECT_NE(NewGzipCompressor(), nullptr);
}

TEST(GzipDecompressor, ReadsBackWhateverTheSizesOfThePieces) {
  const std::string text = RealExposition();
  const std::string compressed = Compressed(&NewZlibGzipCompressor, text, text.size());
  for (const size_t step : {size_t{1}, size_t{100}, compressed.size()}) {
    for (const size_t max : {size_t{1}, size_t{999}, size_t{16384}, size_t{1} << 30}) {
      std::string read;
      bool at_end = false;
      EXPECT_TRUE(Inflated(compressed, step, max, &read, &at_end).ok());
      EXPECT_TRUE(at_end);
      EXPECT_EQ(read, text) << step << " " << max;
    }
  }
}

TEST(GzipDecompressor, GivesOutNoMoreThanAskedForHoweverMuchIsBehindIt) {
  const std::string zeros(10000000, '\0');
  const std::string bomb = Compressed(&NewZlibGzipCompressor, zeros, zeros.size());
  ASSERT_LT(bomb.size(), 100000U);
  const auto decompressor = NewGzipDecompressor();
  std::string out;
  size_t consumed = 0;
  ASSERT_TRUE(decompressor->Write(bomb, 1000, &consumed, &out).ok());
  EXPECT_EQ(out.size(), 1000U);
  EXPECT_LT(consumed, bomb.size());
  ASSERT_TRUE(
      decompressor->Write(std::string_view(bomb).substr(consumed), 0, &consumed, &out).ok());
  EXPECT_EQ(consumed, 0U);
  EXPECT_EQ(out.size(), 1000U);
  EXPECT_FALSE(decompressor->AtEnd());
}

TEST(GzipDecompressor, TakesSeveralMembersTogether) {
  const std::string two = Compressed(&NewZlibGzipCompressor, "one, ", 9) +
                          Compressed(&NewGzipCompressor, "", 9) +
                          Compressed(&NewGzipCompressor, "two", 9);
  for (const size_t step : {size_t{1}, two.size()}) {
    std::string read;
    bool at_end = false;
    EXPECT_TRUE(Inflated(two, step, 100, &read, &at_end).ok());
    EXPECT_TRUE(at_end);
    EXPECT_EQ(read, "one, two");
  }
}

TEST(GzipDecompressor, IsNotAtTheEndOfWhatWasCut) {
  const std::string text = RealExposition();
  const std::string whole = Compressed(&NewZlibGzipCompressor, text, text.size());
  for (const size_t length : {size_t{0}, size_t{5}, size_t{10}, size_t{3000}, whole.size() - 8,
                              whole.size() - 4, whole.size() - 1}) {
    std::string read;
    bool at_end = true;
    EXPECT_TRUE(Inflated(whole.substr(0, length), 512, 4096, &read, &at_end).ok()) << length;
    EXPECT_FALSE(at_end) << length;
    EXPECT_EQ(read, text.substr(0, read.size())) << length;
  }
}

TEST(GzipDecompressor, RefusesWhatIsNotGzip) {
  const std::string good = Compressed(&NewZlibGzipCompressor, "some text", 99);
  std::string wrong_checksum = good;
  wrong_checksum[good.size() - 8] ^= 1;
  std::string wrong_length = good;
  wrong_length[good.size() - 1] ^= 1;
  std::string zlib_format = "\x78\x9c\x03\x00\x00\x00\x00\x01";
  for (const std::string& bad : {std::string("# HELP a b\n"), zlib_format, wrong_checksum,
                                 wrong_length, good + "trailing garbage"}) {
    std::string read;
    bool at_end = true;
    const Status status = Inflated(bad, 99, 99, &read, &at_end);
    EXPECT_EQ(status.code(), Code::kInvalid) << read;
    EXPECT_FALSE(at_end);
  }
}

TEST(GzipDecompressor, GoesOnRefusingAfterAFailure) {
  const auto decompressor = NewGzipDecompressor();
  std::string out;
  size_t consumed = 0;
  EXPECT_EQ(decompressor->Write("no gzip", 9, &consumed, &out).code(), Code::kInvalid);
  const std::string good = Compressed(&NewZlibGzipCompressor, "some text", 99);
  EXPECT_EQ(decompressor->Write(good, 9, &consumed, &out).code(), Code::kInvalid);
  EXPECT_EQ(consumed, 0U);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace promplug
