// SPDX-License-Identifier: MIT
#include "push/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace promplug {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kBegin[] = "pushed metrics are invalid or inconsistent with existing metrics: ";

// The texts are those of Pushgateway 1.5.1.
TEST(RefusedFamilies, NamesTheFamilyOfEachComplaint) {
  const auto one = [](const std::string& complaint, const std::string& name) {
    SCOPED_TRACE(complaint);
    EXPECT_THAT(RefusedFamilies(kBegin + complaint + "\n"), ElementsAre(name));
  };
  one("collected metric \"node_load1\" { label:<name:\"instance\" value:\"\" > "
      "label:<name:\"job\" value:\"b\" > counter:<value:1 > } is not a GAUGE",
      "node_load1");
  one("gathered metric family go_info has type COUNTER but should have GAUGE", "go_info");
  one("collected metric \"dd\" { label:<name:\"job\" value:\"b\" > untyped:<value:1 > } was "
      "collected before with the same name and label values",
      "dd");
}

TEST(RefusedFamilies, NamesBothWhereSampleNamesCollide) {
  EXPECT_THAT(RefusedFamilies(std::string(kBegin) +
                              "collected metric named \"h_count\" collides with previously "
                              "collected histogram named \"h\"\n"),
              ElementsAre("h_count", "h"));
  EXPECT_THAT(RefusedFamilies(std::string(kBegin) +
                              "collected histogram or summary named \"q\" collides with "
                              "previously collected metric named \"q_count\"\n"),
              ElementsAre("q", "q_count"));
}

TEST(RefusedFamilies, ReadsAListEvenWhenItIsCut) {
  EXPECT_THAT(
      RefusedFamilies(std::string(kBegin) +
                      "3 error(s) occurred:\n"
                      "* collected metric \"a\" { label:<name:\"x\" value:\"1\" > } is not a "
                      "GAUGE\n"
                      "* collected metric \"a\" { label:<name:\"x\" value:\"2\" > } is not a "
                      "GAUGE\n"
                      "* collected metric \"b\" { counter:<value:2 > } is not a GAUGE\n"
                      "* collected metric \"c"),
      ElementsAre("a", "b"));
}

TEST(RefusedFamilies, BlamesNobodyWhereTheTextDoesNot) {
  for (const std::string& text :
       {std::string(), std::string(kBegin),
        std::string(kBegin) + "pushed metrics must not have timestamps\n",
        std::string("text format parsing error in line 2: expected float as value, got \"x\"\n"),
        std::string("collected metric \"a\" { } is not a GAUGE"),
        std::string(kBegin) + "collected metric \"not a name\" { } is not a GAUGE"}) {
    SCOPED_TRACE(text);
    EXPECT_THAT(RefusedFamilies(text), IsEmpty());
  }
}

TEST(RefusedFamilies, ALabelValueCannotPassForAComplaint) {
  EXPECT_THAT(RefusedFamilies(std::string(kBegin) +
                              "collected metric \"a\" { label:<name:\"x\" value:\"\\n* collected "
                              "metric \\\"b\\\" {\" > } is not a GAUGE\n"),
              ElementsAre("a"));
}

}  // namespace
}  // namespace promplug
