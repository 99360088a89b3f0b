// SPDX-License-Identifier: MIT
#include "multiprocess/retained.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "multiprocess/checksum.hpp"

namespace promplug {
namespace {

using ::testing::HasSubstr;

Retained Example() {
  Retained retained;
  retained.generation = 0x0102030405060708;
  for (uint8_t i = 0; i < 3; ++i) {
    Uuid uuid;
    uuid.fill(i);
    retained.folded.push_back(uuid);
  }
  retained.families = "what the encoder of parts wrote";
  return retained;
}

TEST(Retained, WhatIsEncodedIsDecoded) {
  const Retained retained = Example();
  const auto decoded = DecodeRetained(EncodeRetained(retained));
  ASSERT_TRUE(decoded.ok()) << decoded.status().text();
  EXPECT_EQ(decoded.value().generation, retained.generation);
  EXPECT_EQ(decoded.value().folded, retained.folded);
  EXPECT_EQ(decoded.value().families, retained.families);
}

TEST(Retained, NothingFoldedAndNoFamiliesAreFine) {
  const auto decoded = DecodeRetained(EncodeRetained(Retained()));
  ASSERT_TRUE(decoded.ok()) << decoded.status().text();
  EXPECT_EQ(decoded.value().generation, 0u);
  EXPECT_TRUE(decoded.value().folded.empty());
  EXPECT_TRUE(decoded.value().families.empty());
}

TEST(Retained, TheGenerationIsReadFromTheHeadAlone) {
  const std::string bytes = EncodeRetained(Example());
  const auto whole = DecodeRetainedGeneration(bytes);
  const auto head = DecodeRetainedGeneration(std::string_view(bytes).substr(0, kRetainedHeadBytes));
  ASSERT_TRUE(whole.ok() && head.ok());
  EXPECT_EQ(whole.value(), Example().generation);
  EXPECT_EQ(head.value(), Example().generation);
}

TEST(Retained, EveryCutIsSeen) {
  const std::string bytes = EncodeRetained(Example());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_EQ(DecodeRetained(std::string_view(bytes).substr(0, n)).status().code(), Code::kInvalid)
        << n;
  }
  EXPECT_EQ(DecodeRetained(bytes + '\0').status().code(), Code::kInvalid);
}

TEST(Retained, EveryFlippedBitIsSeen) {
  const std::string bytes = EncodeRetained(Example());
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const Code code = DecodeRetained(damaged).status().code();
    // The layout cannot be told from that of another version.
    const bool in_layout = bit / 8 >= 8 && bit / 8 < 12;
    EXPECT_EQ(code, in_layout ? Code::kVersion : Code::kInvalid) << bit;
  }
}

TEST(Retained, AnotherLayoutIsNamed) {
  std::string bytes = EncodeRetained(Example());
  bytes[8] = 2;
  const Status status = DecodeRetained(bytes).status();
  EXPECT_EQ(status.code(), Code::kVersion);
  EXPECT_THAT(status.text(), HasSubstr("layout 2"));
  EXPECT_EQ(DecodeRetainedGeneration(bytes).status().code(), Code::kVersion);
}

TEST(Retained, ACountThatIsTooLargeTakesNoMemory) {
  const std::string empty = EncodeRetained(Retained());
  for (const uint32_t n : {1u, 0x10000000u, 0xFFFFFFFFu}) {
    std::string bytes = empty;
    bytes.replace(12, sizeof n, reinterpret_cast<const char*>(&n), sizeof n);
    const uint64_t sum = Checksum(std::string_view(bytes).substr(0, kRetainedHeadBytes - 8));
    bytes.replace(kRetainedHeadBytes - 8, 8, reinterpret_cast<const char*>(&sum), 8);
    EXPECT_THAT(DecodeRetained(bytes).status().text(), HasSubstr("0 bytes behind their head"));
  }
}

// The checksum stands in files. These were computed by another implementation, in Python.
TEST(Checksum, ItStaysWhatItWas) {
  EXPECT_EQ(Checksum(""), 11507291220169376576u);
  EXPECT_EQ(Checksum("promplug"), 8184759537297921849u);
  EXPECT_EQ(Checksum("promplug retained"), 2172060310140131821u);
}

TEST(Checksum, TrailingZerosCount) {
  EXPECT_NE(Checksum(std::string_view("a\0", 2)), Checksum("a"));
  EXPECT_NE(Checksum(std::string_view("\0", 1)), Checksum(""));
}

}  // namespace
}  // namespace promplug
