// SPDX-License-Identifier: MIT
#include "base/byte_block.hpp"

#include <gtest/gtest.h>

namespace promplug {
namespace {

TEST(ByteBlockTest, TellsEachByteInItsPlace) {
  const char text[] = "a\0\x7f\x80 0123456789:";
  const ByteBlock block = LoadBlock(text);
  EXPECT_EQ(HighBits(block), 0x0008u);
  EXPECT_EQ(HighBits(IsByte(block, 'a')), 0x0001u);
  EXPECT_EQ(HighBits(IsByte(block, '\x80')), 0x0008u);
  EXPECT_EQ(HighBits(IsByte(block, ':')), 0x8000u);
  EXPECT_EQ(HighBits(IsBetween(block, '0', '9')), 0x7FE0u);
  EXPECT_EQ(HighBits(IsBetween(block, '9', '9')), 0x4000u);
  EXPECT_EQ(HighBits(IsByte(block, ' ') | IsByte(block, '0')), 0x0030u);
}

TEST(ByteBlockTest, KnowsTheBoundsOfARangeForEveryByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const ByteBlock block = EveryByte(static_cast<uint8_t>(byte));
    const uint32_t expected = byte >= 'a' && byte <= 'z' ? 0xFFFFu : 0u;
    EXPECT_EQ(HighBits(IsBetween(block, 'a', 'z')), expected) << byte;
  }
}

}  // namespace
}  // namespace promplug
