// SPDX-License-Identifier: MIT
#include "exposition/text_reader_number.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace promplug {
namespace {

double Read(const std::string& text) {
  double value = -12345;
  EXPECT_TRUE(ReadTextFloat(text, &value)) << text;
  EXPECT_TRUE(IsTextFloat(text)) << text;
  return value;
}

TEST(TextReaderNumberTest, ReadsWhatGoReadsAsADecimalNumber) {
  EXPECT_EQ(Read("0"), 0);
  EXPECT_EQ(Read("-1"), -1);
  EXPECT_EQ(Read("+1.5"), 1.5);
  EXPECT_EQ(Read(".5"), 0.5);
  EXPECT_EQ(Read("5."), 5);
  EXPECT_EQ(Read("-.5e1"), -5);
  EXPECT_EQ(Read("1E+5"), 1e5);
  EXPECT_EQ(Read("1.79536e+09"), 1.79536e+09);
  EXPECT_EQ(Read("000123"), 123);
  EXPECT_TRUE(std::signbit(Read("-0")));
}

TEST(TextReaderNumberTest, ReadsInfinityAndNotANumberInAnyCase) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Read("+Inf"), infinity);
  EXPECT_EQ(Read("inf"), infinity);
  EXPECT_EQ(Read("-INFINITY"), -infinity);
  EXPECT_TRUE(std::isnan(Read("NaN")));
  EXPECT_TRUE(std::isnan(Read("nan")));
}

TEST(TextReaderNumberTest, RefusesWhatThePushgatewayRefuses) {
  for (const char* text : {"",     "+",     "-",     ".",          "1e",    "1e+",  "e5", "+NaN",
                           "-nan", "infin", "0x10",  "0x1p3",      "1_000", "1,5",  "1 ", " 1",
                           "--1",  "1f",    "1.2.3", "in\xC4\xB1", "1e5.0", "++inf"}) {
    double value = 0;
    EXPECT_FALSE(IsTextFloat(text)) << text;
    EXPECT_FALSE(ReadTextFloat(text, &value)) << text;
  }
}

TEST(TextReaderNumberTest, RefusesWhatIsTooLargeForADouble) {
  EXPECT_FALSE(IsTextFloat("1e400"));
  EXPECT_FALSE(IsTextFloat("-1e309"));
  EXPECT_FALSE(IsTextFloat("1.7976931348623159e308"));
  EXPECT_FALSE(IsTextFloat("1e99999999999999999999"));
  EXPECT_FALSE(IsTextFloat(std::string(400, '1')));
  EXPECT_EQ(Read("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(Read("1.7976931348623158e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(Read("0.0001e312"), 1e308);
  EXPECT_EQ(Read(std::string(400, '0') + "1"), 1);
  EXPECT_EQ(Read("1" + std::string(400, '0') + "e-400"), 1);
}

TEST(TextReaderNumberTest, TakesWhatIsTooSmallAsZero) {
  EXPECT_EQ(Read("1e-400"), 0);
  EXPECT_EQ(Read("-1e-999999999999"), 0);
  EXPECT_EQ(Read("0e999999999999"), 0);
  EXPECT_EQ(Read("0." + std::string(400, '0') + "1"), 0);
}

}  // namespace
}  // namespace promplug
