// SPDX-License-Identifier: MIT
#include "exposition/output_buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace promplug {
namespace {

void Put(OutputBuffer* buffer, const std::string& text) {
  char* at = buffer->Claim(text.size());
  ASSERT_NE(at, nullptr);
  std::memcpy(at, text.data(), text.size());
  buffer->Commit(at + text.size());
}

std::string TakeAll(OutputBuffer* buffer) {
  std::string all;
  for (auto piece = buffer->Take(); !piece.empty(); piece = buffer->Take()) all += piece;
  return all;
}

TEST(OutputBuffer, GivesOutWhatWasWritten) {
  OutputBuffer buffer(64);
  Put(&buffer, "one ");
  Put(&buffer, "two");
  EXPECT_EQ(buffer.Take(), "one two");
  EXPECT_EQ(buffer.Take(), "");
  Put(&buffer, "three");
  EXPECT_EQ(TakeAll(&buffer), "three");
}

TEST(OutputBuffer, RefusesWhatDoesNotFitBesideWhatIsThere) {
  OutputBuffer buffer(64);
  Put(&buffer, std::string(60, 'a'));
  EXPECT_EQ(buffer.Claim(5), nullptr);
  EXPECT_NE(buffer.Claim(4), nullptr);
  EXPECT_EQ(TakeAll(&buffer), std::string(60, 'a'));
  EXPECT_NE(buffer.Claim(64), nullptr);
}

TEST(OutputBuffer, TakesALongTextWhenEmptyAndGivesItOutInPieces) {
  OutputBuffer buffer(64);
  Put(&buffer, std::string(64, 'b') + std::string(64, 'c') + "d");
  EXPECT_EQ(buffer.Take(), std::string(64, 'b'));
  EXPECT_EQ(buffer.Take(), std::string(64, 'c'));
  EXPECT_EQ(buffer.Take(), "d");
  EXPECT_EQ(buffer.Take(), "");
}

TEST(OutputBuffer, IsAFixedPieceAgainAfterALongText) {
  OutputBuffer buffer(64);
  Put(&buffer, std::string(1000, 'e'));
  TakeAll(&buffer);
  Put(&buffer, std::string(40, 'f'));
  EXPECT_EQ(buffer.Claim(40), nullptr);
  EXPECT_EQ(TakeAll(&buffer), std::string(40, 'f'));
  Put(&buffer, std::string(2000, 'g'));
  EXPECT_EQ(TakeAll(&buffer), std::string(2000, 'g'));
}

}  // namespace
}  // namespace promplug
