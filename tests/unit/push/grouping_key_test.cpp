// SPDX-License-Identifier: MIT
#include "push/grouping_key.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace promplug {
namespace {

using ::testing::HasSubstr;

TEST(GroupPath, PutsUnreservedValuesIntoThePathAsTheyAre) {
  const auto path = GroupPath("photo-api", "10.0.0.5", {{"zone", "a~b_C.1"}, {"rack", "7"}});
  ASSERT_TRUE(path.ok());
  EXPECT_EQ(path.value(), "/metrics/job/photo-api/instance/10.0.0.5/zone/a~b_C.1/rack/7");
}

TEST(GroupPath, EncodesEverythingElseInTheUrlAlphabetWithoutPadding) {
  const auto check = [](const char* instance, const char* encoded) {
    SCOPED_TRACE(instance);
    const auto path = GroupPath("j", instance, {});
    ASSERT_TRUE(path.ok());
    EXPECT_EQ(path.value(), std::string("/metrics/job/j/instance@base64/") + encoded);
  };
  check("a/b", "YS9i");
  check("a b", "YSBi");
  check("a+b", "YSti");
  check("50%", "NTAl");
  check("[::1]:9100", "Wzo6MV06OTEwMA");
  check(".", "Lg");
  check("..", "Li4");
  check("\xc3\xbf\xc3\xbe", "w7_Dvg");
  check(">>>?", "Pj4-Pw");
}

TEST(GroupPath, RefusesWhatWouldPoisonTheGateway) {
  const auto check = [](std::string_view job, std::string_view instance, const StringPairs& labels,
                        const char* named) {
    SCOPED_TRACE(named);
    const auto path = GroupPath(job, instance, labels);
    ASSERT_FALSE(path.ok());
    EXPECT_EQ(path.status().code(), Code::kInvalid);
    EXPECT_THAT(path.status().text(), HasSubstr(named));
  };
  check("", "i", {}, "\"job\" has an empty value");
  check("j", "", {}, "\"instance\" has an empty value");
  check("j", "\xff", {}, "\"\\xff\"");
  check("j", "i", {{"zone", ""}}, "\"zone\"");
  check("j", "i", {{"1zone", "x"}}, "\"1zone\"");
  check("j", "i", {{"__zone", "x"}}, "\"__zone\"");
  check("j", "i", {{"job", "x"}}, "comes twice");
}

}  // namespace
}  // namespace promplug
