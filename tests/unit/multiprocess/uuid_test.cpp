// SPDX-License-Identifier: MIT
#include "multiprocess/uuid.hpp"

#include <gtest/gtest.h>

namespace promplug {
namespace {

TEST(Uuid, IsReadFromItsText) {
  const Uuid uuid = RandomUuid().value();
  EXPECT_EQ(UuidText(uuid).size(), 32u);
  EXPECT_EQ(ParseUuid(UuidText(uuid)), uuid);
  EXPECT_NE(RandomUuid().value(), uuid);
}

TEST(Uuid, OnlyItsOwnTextIsRead) {
  EXPECT_EQ(UuidText(Uuid{0x01, 0xfe}), "01fe" + std::string(28, '0'));
  EXPECT_FALSE(ParseUuid("").has_value());
  EXPECT_FALSE(ParseUuid(std::string(31, '0')).has_value());
  EXPECT_FALSE(ParseUuid(std::string(33, '0')).has_value());
  EXPECT_FALSE(ParseUuid(std::string(32, 'A')).has_value());
  EXPECT_FALSE(ParseUuid(std::string(31, '0') + "g").has_value());
}

}  // namespace
}  // namespace promplug
