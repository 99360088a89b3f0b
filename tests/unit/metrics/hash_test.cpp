// SPDX-License-Identifier: MIT
#include "metrics/hash.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace promplug {
namespace {

TEST(HashTest, EqualBytesSeesEveryByteAtEveryLength) {
  for (size_t n = 0; n <= 70; ++n) {
    // On the heap and to the byte, so that a read beyond the end is seen by a sanitizer.
    const std::string text(n, 'a');
    const std::vector<char> one(text.begin(), text.end());
    EXPECT_TRUE(EqualBytes(one.data(), text.data(), n)) << n;
    for (size_t i = 0; i < n; ++i) {
      std::vector<char> other(one);
      other[i] ^= 1;
      EXPECT_FALSE(EqualBytes(one.data(), other.data(), n)) << i << " of " << n;
    }
  }
}

}  // namespace
}  // namespace promplug
