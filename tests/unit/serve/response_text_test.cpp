// SPDX-License-Identifier: MIT
#include "serve/response_text.hpp"

#include <gtest/gtest.h>

namespace promplug {
namespace {

std::string Date(int64_t unix_ms) {
  std::string out;
  AppendHttpDate(&out, unix_ms);
  return out;
}

TEST(AppendHttpDate, IsAnImfFixdate) {
  EXPECT_EQ(Date(784111777000), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(Date(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(Date(951782399999), "Mon, 28 Feb 2000 23:59:59 GMT");
  EXPECT_EQ(Date(951782400000), "Tue, 29 Feb 2000 00:00:00 GMT");
}

TEST(AppendResponseHead, FramesByLengthWhereItIsKnown) {
  ResponseHead head;
  head.status = 404;
  head.headers = {{"X", "y"}};
  head.content_length = 17;
  std::string out;
  AppendResponseHead(&out, head, {false, true}, 0);
  EXPECT_EQ(out,
            "HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nX: y\r\n"
            "Connection: close\r\nContent-Length: 17\r\n\r\n");
}

TEST(AppendResponseHead, FramesByChunksOtherwise) {
  std::string out;
  AppendResponseHead(&out, ResponseHead(), {true, true}, 0);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
}

TEST(AppendResponseHead, AnOldClientIsToldOfNoChunks) {
  std::string out;
  AppendResponseHead(&out, ResponseHead(), {false, false}, 0);
  EXPECT_EQ(out,
            "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nConnection: close\r\n\r\n");
}

TEST(AppendChunkSize, IsHexadecimal) {
  std::string out;
  AppendChunkSize(&out, 65536);
  EXPECT_EQ(out, "10000\r\n");
}

}  // namespace
}  // namespace promplug
