// SPDX-License-Identifier: MIT
#include "serve/query.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(QueryValues, GivesEveryValueOfTheNameInOrder) {
  EXPECT_THAT(QueryValues("name[]=up&x=1&name[]=go_info", "name[]"), ElementsAre("up", "go_info"));
}

TEST(QueryValues, DecodesNamesAndValues) {
  EXPECT_THAT(QueryValues("name%5B%5D=a%3ab&name%5b%5d=c+d", "name[]"), ElementsAre("a:b", "c d"));
}

TEST(QueryValues, KeepsWhatIsNoEscape) {
  EXPECT_THAT(QueryValues("n=%&n=%4&n=%zz&n=%4z&n=a%", "n"),
              ElementsAre("%", "%4", "%zz", "%4z", "a%"));
}

TEST(QueryValues, LeavesOutParametersWithoutAValue) {
  EXPECT_THAT(QueryValues("", "n"), IsEmpty());
  EXPECT_THAT(QueryValues("n&n=&&=&nn=1&n==", "n"), ElementsAre("="));
}

}  // namespace
}  // namespace promplug
