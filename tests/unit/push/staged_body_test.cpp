// SPDX-License-Identifier: MIT
#include "push/staged_body.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

std::string ReadAll(StagedBody* body, size_t piece_bytes) {
  std::string all;
  std::string piece(piece_bytes, '\0');
  while (const size_t n = body->Read(piece.data(), piece.size())) all.append(piece, 0, n);
  return all;
}

// Does not compress well, so that it fills several blocks.
std::string Noise(size_t n) {
  std::mt19937 random(7);
  std::string text(n, ' ');
  for (char& c : text) c = static_cast<char>('0' + random() % 70);
  return text;
}

TEST(StagedBody, IsGzipWhereTheGatewayTakesIt) {
  StagedBody body(StagedBody::Sent::kGzip);
  const std::string text = Noise(300'000);
  ASSERT_TRUE(body.Write(text.substr(0, 1000)));
  ASSERT_TRUE(body.Write(text.substr(1000)));
  ASSERT_TRUE(body.Finish());
  const std::string sent = ReadAll(&body, 1000);
  EXPECT_EQ(sent.size(), body.size());
  EXPECT_LT(sent.size(), text.size());
  EXPECT_EQ(test::Gunzip(sent), text);
}

TEST(StagedBody, GivesAsMuchAsIsAskedForAcrossItsBlocks) {
  StagedBody body(StagedBody::Sent::kGzip);
  const std::string text = Noise(600'000);
  for (size_t i = 0; i < text.size(); i += 10'000) ASSERT_TRUE(body.Write(text.substr(i, 10'000)));
  ASSERT_TRUE(body.Finish());
  for (const size_t asked : {size_t{70'000}, body.size(), body.size() + 1}) {
    SCOPED_TRACE(asked);
    body.Rewind();
    std::string sent(asked, '\0');
    const size_t first = body.Read(sent.data(), asked);
    EXPECT_EQ(first, std::min<size_t>(asked, body.size()));
    sent.resize(first);
    EXPECT_EQ(test::Gunzip(sent + ReadAll(&body, asked)), text);
  }
}

TEST(StagedBody, IsInflatedWhileItIsSentPlain) {
  StagedBody body(StagedBody::Sent::kPlain);
  const std::string text = Noise(300'000);
  ASSERT_TRUE(body.Write(text));
  ASSERT_TRUE(body.Finish());
  EXPECT_EQ(body.size(), text.size());
  EXPECT_EQ(ReadAll(&body, 16'384), text);
}

TEST(StagedBody, CanBeSentAgain) {
  for (const auto sent : {StagedBody::Sent::kGzip, StagedBody::Sent::kPlain}) {
    StagedBody body(sent);
    ASSERT_TRUE(body.Write("a 1\n"));
    ASSERT_TRUE(body.Finish());
    const std::string first = ReadAll(&body, 100);
    body.Rewind();
    EXPECT_EQ(ReadAll(&body, 1), first);
  }
}

TEST(StagedBody, RewoundInTheMiddleItBeginsAtTheFirstByte) {
  StagedBody body(StagedBody::Sent::kPlain);
  const std::string text = Noise(200'000);
  ASSERT_TRUE(body.Write(text));
  ASSERT_TRUE(body.Finish());
  char some[70'000];
  ASSERT_GT(body.Read(some, sizeof some), 0u);
  body.Rewind();
  EXPECT_EQ(ReadAll(&body, 4096), text);
}

TEST(StagedBody, NothingIsAnEmptyPlainBody) {
  StagedBody body(StagedBody::Sent::kPlain);
  ASSERT_TRUE(body.Finish());
  EXPECT_EQ(body.size(), 0u);
  EXPECT_EQ(ReadAll(&body, 10), "");
}

TEST(StagedBody, EndsAtItsCap) {
  StagedBody body(StagedBody::Sent::kGzip, 100'000);
  const std::string text = Noise(50'000);
  bool held = true;
  for (int i = 0; held && i < 100; ++i) held = body.Write(text);
  EXPECT_FALSE(held && body.Finish());
  EXPECT_EQ(body.status().code(), Code::kLimit);
  EXPECT_FALSE(body.Write("x"));
  EXPECT_FALSE(body.Finish());
}

}  // namespace
}  // namespace promplug
