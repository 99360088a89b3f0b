// SPDX-License-Identifier: MIT
#include "metrics/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "metrics/labels.hpp"
#include "metrics/registry.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using ::testing::HasSubstr;

std::string Metric(std::string_view name, Escaping escaping) {
  std::string shown;
  AppendEscapedMetricName(&shown, name, escaping);
  return shown;
}

std::string LabelName(std::string_view name, Escaping escaping) {
  std::string shown;
  AppendEscapedLabelName(&shown, name, escaping);
  return shown;
}

// The examples of prometheus.io/docs/instrumenting/escaping_schemes; the digits of the clients.
TEST(Names, AreEscapedAsTheDocumentSays) {
  EXPECT_EQ(Metric("metric.name/with/slashes", Escaping::kUnderscores), "metric_name_with_slashes");
  EXPECT_EQ(Metric("metric.name.with.dots", Escaping::kDots), "metric_dot_name_dot_with_dot_dots");
  EXPECT_EQ(Metric("metric.name", Escaping::kValues), "U__metric_2e_name");
  EXPECT_EQ(Metric("metric.name/x", Escaping::kAllowUtf8), "metric.name/x");
}

TEST(Names, AreEscapedCharacterByCharacter) {
  const std::string name = "1_a:\xc3\xbc \xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(Metric(name, Escaping::kUnderscores), "__a:____");
  EXPECT_EQ(Metric(name, Escaping::kDots), "____a:________");
  EXPECT_EQ(Metric(name, Escaping::kValues), "U___31___a:_fc__20__20ac__1f600_");
  EXPECT_EQ(LabelName("a:b", Escaping::kUnderscores), "a_b");
  EXPECT_EQ(LabelName("a:b", Escaping::kValues), "U__a_3a_b");
  EXPECT_EQ(Metric(std::string(1, '\0'), Escaping::kValues), "U___0_");
}

TEST(Names, PlainOnesAreTheSameInEveryScheme) {
  for (const Escaping escaping :
       {Escaping::kUnderscores, Escaping::kDots, Escaping::kValues, Escaping::kAllowUtf8}) {
    EXPECT_EQ(Metric("a_b:c__9", escaping), "a_b:c__9");
    EXPECT_EQ(LabelName("a_b__9", escaping), "a_b__9");
  }
}

TEST(Names, SchemesHaveTheirWords) {
  for (const char* word : {"underscores", "dots", "values", "allow-utf-8"}) {
    ASSERT_TRUE(ParseEscaping(word).has_value()) << word;
    EXPECT_EQ(EscapingName(*ParseEscaping(word)), word);
  }
  EXPECT_FALSE(ParseEscaping("").has_value());
  EXPECT_FALSE(ParseEscaping("Dots").has_value());
}

TEST(Names, OfLabelsMayNotBecomeEqualForSomeReader) {
  EXPECT_TRUE(LabelNamesCollide("a.b", "a_b"));
  EXPECT_TRUE(LabelNamesCollide("a.b", "a/b"));
  EXPECT_TRUE(LabelNamesCollide("a.b", "a_dot_b"));
  EXPECT_TRUE(LabelNamesCollide("a.b", "U__a_2e_b"));
  EXPECT_FALSE(LabelNamesCollide("a.b", "a.c"));
  EXPECT_FALSE(LabelNamesCollide("a_b", "a_dot_b"));
}

Status Rendered(std::vector<Label> labels, std::string* out) {
  return AppendRenderedLabels(out, labels.data(), labels.size());
}

TEST(RenderedLabels, QuoteTheNamesThatAreNotPlain) {
  std::string text;
  ASSERT_TRUE(Rendered({{"a", "1"}, {"b.c", "2\n"}, {"d\"\\", "3"}}, &text).ok());
  EXPECT_EQ(text, R"({a="1","b.c"="2\n","d\"\\"="3"})");
  LabelReader reader(text);
  ASSERT_TRUE(reader.Next());
  EXPECT_FALSE(reader.is_quoted());
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.is_quoted());
  EXPECT_EQ(reader.escaped_name(), "b.c");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.escaped_name(), R"(d\"\\)");
  EXPECT_EQ(reader.escaped_value(), "3");
  std::string shown;
  reader.AppendShownName(&shown, Escaping::kValues);
  EXPECT_EQ(shown, "U__d_22__5c_");
  EXPECT_FALSE(reader.Next());
}

TEST(RenderedLabels, RefuseNamesThatAreReservedOrEqualForSomeReader) {
  std::string text;
  for (const std::vector<Label>& labels :
       std::vector<std::vector<Label>>{{{"", ""}},
                                       {{"\xff", ""}},
                                       {{"__a", ""}},
                                       {{"._name__", ""}},
                                       {{"a.b", ""}, {"a.b", ""}},
                                       {{"a.b", ""}, {"a_b", ""}},
                                       {{"a_dot_b", ""}, {"c", ""}, {"a.b", ""}}}) {
    EXPECT_EQ(Rendered(labels, &text).code(), Code::kInvalid);
    EXPECT_EQ(text, "");
  }
}

TEST(RenderedLabels, HaveTheHashOfThoseThatSomeReaderTakesForThem) {
  EXPECT_EQ(HashLabelSet(R"({"a.b"="1",c="2"})"), HashLabelSet(R"({c="2",a_b="1"})"));
  EXPECT_EQ(HashLabelSet(R"({"a.b"="1"})", Escaping::kDots), HashLabelSet(R"({a_dot_b="1"})"));
  EXPECT_NE(HashLabelSet(R"({"a.b"="1"})"), HashLabelSet(R"({"a.c"="1"})"));
}

// With a seed that is known one factor of these two would be zero.
TEST(RenderedLabels, HaveAHashThatNobodyCanChoose) {
  EXPECT_NE(HashLabelSet(R"({l12544="&j@0r.$zaaaaaaaa"})"),
            HashLabelSet(R"({l12544="&j@0r.$zbbbbbbbb"})"));
}

class RegistryNamesTest : public ::testing::Test {
 protected:
  Status Make(MetricType type, std::string_view name, std::vector<std::string_view> labels = {}) {
    FamilyDescription description;
    description.type = type;
    description.name = name;
    description.label_names = std::move(labels);
    if (type == MetricType::kStateset) description.states = {"on"};
    return registry_.FindOrMake(description).status();
  }

  test::ManualClock clock_;
  Registry registry_{clock_};
};

TEST_F(RegistryNamesTest, TakesAnyUtf8ForTheNamesOfFamiliesAndLabels) {
  ASSERT_TRUE(Make(MetricType::kCounter, "my.requests", {"my.label", "b"}).ok());
  Family* family = registry_.Families()[0];
  EXPECT_TRUE(family->head().quoted_labels);
  const std::string_view values[] = {"x", "y\""};
  Series* series = nullptr;
  ASSERT_TRUE(family->FindOrMake(values, 2, &series).ok());
  EXPECT_EQ(series->labels(), R"({"my.label"="x",b="y\""})");
  Series* again = nullptr;
  ASSERT_TRUE(family->FindOrMake(values, 2, &again).ok());
  EXPECT_EQ(again, series);
  const Label matching = {"my.label", "x"};
  EXPECT_EQ(family->RemoveMatching(&matching, 1), 1u);
  EXPECT_EQ(Make(MetricType::kGauge, "").code(), Code::kInvalid);
  EXPECT_EQ(Make(MetricType::kGauge, "\xff").code(), Code::kInvalid);
}

TEST_F(RegistryNamesTest, RefusesAFamilyThatSomeReaderTakesForAnother) {
  ASSERT_TRUE(Make(MetricType::kGauge, "a_b").ok());
  const Status status = Make(MetricType::kGauge, "a.b");
  EXPECT_EQ(status.code(), Code::kExists);
  EXPECT_THAT(std::string(status.text()), HasSubstr("\"a_b\""));
  ASSERT_TRUE(Make(MetricType::kHistogram, "h.x").ok());
  EXPECT_EQ(Make(MetricType::kGauge, "h_x_sum").code(), Code::kExists);
  EXPECT_EQ(Make(MetricType::kGauge, "h_dot_x_bucket").code(), Code::kExists);
  EXPECT_EQ(Make(MetricType::kGauge, "U__h_2e_x").code(), Code::kExists);
  EXPECT_TRUE(Make(MetricType::kGauge, "h_dot_y").ok());
  EXPECT_EQ(Make(MetricType::kGauge, "h.y").code(), Code::kExists);
}

TEST_F(RegistryNamesTest, RefusesWhatOnlyOpenMetricsCallsAHistogramOrSummary) {
  ASSERT_TRUE(Make(MetricType::kHistogram, "h").ok());
  EXPECT_EQ(Make(MetricType::kGauge, "h_created").code(), Code::kExists);
  ASSERT_TRUE(Make(MetricType::kGauge, "s_created").ok());
  EXPECT_EQ(Make(MetricType::kSummary, "s").code(), Code::kExists);
}

TEST_F(RegistryNamesTest, KeepsTheLabelOfAStateset) {
  EXPECT_EQ(Make(MetricType::kStateset, "my.state", {"my.state"}).code(), Code::kInvalid);
  EXPECT_EQ(Make(MetricType::kStateset, "my.state", {"my_state"}).code(), Code::kInvalid);
  EXPECT_TRUE(Make(MetricType::kStateset, "my.state", {"my"}).ok());
}

}  // namespace
}  // namespace promplug
