// SPDX-License-Identifier: MIT
#include "serve/listen_address.hpp"

#include <gtest/gtest.h>

namespace promplug {
namespace {

std::string Read(std::string_view text) {
  const Result<ListenAddress> address = ParseListenAddress(text);
  return address.ok() ? ToText(address.value()) : "refused";
}

TEST(ParseListenAddress, TakesNumericAddressesAndLocalhost) {
  EXPECT_EQ(Read("127.0.0.1:9464"), "127.0.0.1:9464");
  EXPECT_EQ(Read("0.0.0.0:0"), "0.0.0.0:0");
  EXPECT_EQ(Read("[::1]:9464"), "[::1]:9464");
  EXPECT_EQ(Read("localhost:1"), "127.0.0.1:1");
}

TEST(ParseListenAddress, IsLoopbackWithoutAHost) { EXPECT_EQ(Read(":65535"), "127.0.0.1:65535"); }

TEST(ParseListenAddress, RefusesAllElseAndQuotesIt) {
  for (const char* text : {"", "9464", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                           "127.0.0.1:-1", "127.0.0.1:80x", "127.0.0.1: 80", "::1:80", "[::1]80",
                           "[]:80", "[127.0.0.1]:80", "example.org:80", "256.0.0.1:80"}) {
    EXPECT_EQ(Read(text), "refused") << text;
  }
  const Status status = ParseListenAddress("example.org:80").status();
  EXPECT_EQ(status.code(), Code::kInvalid);
  EXPECT_NE(status.text().find("\"example.org:80\""), std::string::npos);
}

}  // namespace
}  // namespace promplug
