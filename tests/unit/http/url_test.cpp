// SPDX-License-Identifier: MIT
#include "http/url.hpp"

#include <gtest/gtest.h>

namespace promplug {
namespace {

TEST(SplitCredentials, LeavesAUrlWithoutCredentialsAsItIs) {
  for (const char* url : {"http://gateway:9091", "https://[::1]:9091/a@b", "http://h/?u=a@b", ""}) {
    SCOPED_TRACE(url);
    const UrlParts parts = SplitCredentials(url);
    EXPECT_EQ(parts.url, url);
    EXPECT_FALSE(parts.has_credentials);
  }
}

TEST(SplitCredentials, TakesUserAndPasswordOutAndDecodesThem) {
  const auto check = [](const char* url, const char* rest, const char* user, const char* password) {
    SCOPED_TRACE(url);
    const UrlParts parts = SplitCredentials(url);
    EXPECT_TRUE(parts.has_credentials);
    EXPECT_EQ(parts.url, rest);
    EXPECT_EQ(parts.user, user);
    EXPECT_EQ(parts.password, password);
  };
  check("http://me:secret@gateway:9091/x", "http://gateway:9091/x", "me", "secret");
  check("http://me@gateway", "http://gateway", "me", "");
  check("http://me:a%40b%3a@gateway", "http://gateway", "me", "a@b:");
  check("http://me:a:b@gateway", "http://gateway", "me", "a:b");
  check("http://m%e:100%@gateway", "http://gateway", "m%e", "100%");
  check("http://me:a@b@gateway", "http://gateway", "me", "a@b");
}

}  // namespace
}  // namespace promplug
