// SPDX-License-Identifier: MIT
#include "relay/line_output.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace promplug {
namespace {

class LineOutputTest : public ::testing::Test {
 protected:
  std::string All() const {
    std::string all;
    for (const std::string& piece : pieces_) all += piece;
    return all;
  }

  std::vector<std::string> pieces_;
  bool takes_ = true;
  LineOutput output_{[this](std::string_view piece) {
    pieces_.emplace_back(piece);
    return takes_;
  }};
};

TEST_F(LineOutputTest, KeepsTheOrderOfWhatIsWrittenAndKept) {
  const std::string input = "a\nb\nc\nd\n";
  const std::string_view text = input;
  EXPECT_TRUE(output_.Keep(text.substr(0, 2)) && output_.Keep(text.substr(2, 2)) &&
              output_.Write("x\n") && output_.Keep(text.substr(6, 2)) &&
              output_.Keep(text.substr(4, 2)) && output_.Flush());
  EXPECT_EQ(All(), "a\nb\nx\nd\nc\n");
}

TEST_F(LineOutputTest, RefersToNoTextOnceItIsSettled) {
  std::string input = "kept\n";
  EXPECT_TRUE(output_.Keep(input) && output_.Settle());
  input = "gone\n";
  EXPECT_TRUE(output_.Flush());
  EXPECT_EQ(All(), "kept\n");
}

TEST_F(LineOutputTest, HandsOverLargePieces) {
  std::string input;
  for (int i = 0; i < 10000; ++i) input += std::to_string(i) + " of some lines\n";
  std::string written;
  for (size_t at = 0; at < input.size(); at = input.find('\n', at) + 1) {
    const size_t size = input.find('\n', at) + 1 - at;
    if (at % 3 == 0) {
      EXPECT_TRUE(output_.Write("between\n"));
      written += "between\n";
    }
    EXPECT_TRUE(output_.Keep(std::string_view(input).substr(at, size)));
    written += input.substr(at, size);
  }
  EXPECT_TRUE(output_.Flush());
  EXPECT_EQ(All(), written);
  EXPECT_LT(pieces_.size(), written.size() / 4096);
}

TEST_F(LineOutputTest, GivesLinesThatFollowEachOtherInOnePiece) {
  const std::string input(100000, '\n');
  for (size_t at = 0; at < input.size(); at += 10) {
    EXPECT_TRUE(output_.Keep(std::string_view(input).substr(at, 10)));
  }
  EXPECT_TRUE(output_.Flush());
  ASSERT_EQ(pieces_.size(), 1u);
  EXPECT_EQ(pieces_[0].size(), input.size());
}

TEST_F(LineOutputTest, SaysThatTheSinkGaveUp) {
  takes_ = false;
  EXPECT_TRUE(output_.Write("text\n"));
  EXPECT_FALSE(output_.Flush());
  EXPECT_TRUE(output_.Flush());  // nothing is left
  EXPECT_FALSE(output_.Write(std::string(100000, 'x')));
}

}  // namespace
}  // namespace promplug
