// SPDX-License-Identifier: MIT
// Names that are not plain, in each scheme. The quoted form has no independent reader here: what it
// must be are the examples of prometheus.io/docs/guides/utf8 and of the OpenMetrics specification.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "exposition/stream.hpp"
#include "support/fake_gathering.hpp"

namespace promplug {
namespace {

using testing::AddFamily;
using testing::FakePoint;

std::string Encoded(Gathering gathering, const ExpositionForm& form) {
  for (GatheredFamily& family : gathering.families) family.head.quoted_labels = true;
  const auto stream = NewExpositionStream(std::move(gathering), form, Timestamps::kKeep);
  std::string all;
  for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) all += piece;
  return all;
}

Gathering Histogram() {
  Gathering g;
  AddFamily(&g, MetricType::kHistogram, "my.h", "",
            {FakePoint::Histogram(R"({"my.label"="x\"",b="y"})", {1}, {1, 0}, 2),
             FakePoint::Histogram("", {1}, {0, 1}, 2)});
  return g;
}

TEST(Escaping, QuotedNamesStandAmongTheLabels) {
  Gathering g;
  AddFamily(&g, MetricType::kCounter, "foodb.read.errors", "The number of errors.",
            {FakePoint::Integer(R"({"service.name"="my_service"})", 3482)});
  AddFamily(&g, MetricType::kGauge, "quoted \"\\\n", "", {FakePoint::Integer("", 1)});
  EXPECT_EQ(Encoded(std::move(g), {Format::kText100, Escaping::kAllowUtf8}),
            "# HELP \"foodb.read.errors\" The number of errors.\n"
            "# TYPE \"foodb.read.errors\" counter\n"
            "{\"foodb.read.errors\",\"service.name\"=\"my_service\"} 3482\n"
            "# TYPE \"quoted \\\"\\\\\\n\" gauge\n"
            "{\"quoted \\\"\\\\\\n\"} 1\n");
}

TEST(Escaping, QuotedNamesHaveTheirSuffixesInTheQuotes) {
  EXPECT_EQ(Encoded(Histogram(), {Format::kOpenMetrics, Escaping::kAllowUtf8}),
            "# TYPE \"my.h\" histogram\n"
            R"({"my.h_bucket","my.label"="x\"",b="y",le="1.0"} 1)"
            "\n"
            R"({"my.h_bucket","my.label"="x\"",b="y",le="+Inf"} 1)"
            "\n"
            R"({"my.h_sum","my.label"="x\"",b="y"} 2)"
            "\n"
            R"({"my.h_count","my.label"="x\"",b="y"} 1)"
            "\n"
            "{\"my.h_bucket\",le=\"1.0\"} 0\n{\"my.h_bucket\",le=\"+Inf\"} 1\n"
            "{\"my.h_sum\"} 2\n{\"my.h_count\"} 1\n# EOF\n");
  Gathering g;
  AddFamily(&g, MetricType::kCounter, "my.c_seconds_total", "", {FakePoint::Integer("", 1)});
  g.families[0].head.unit = "seconds";
  EXPECT_EQ(Encoded(std::move(g), {Format::kOpenMetrics, Escaping::kAllowUtf8}),
            "# TYPE \"my.c_seconds\" counter\n# UNIT \"my.c_seconds\" seconds\n"
            "{\"my.c_seconds_total\"} 1\n# EOF\n");
}

TEST(Escaping, AQuotedLabelDoesNotQuoteTheName) {
  Gathering g;
  AddFamily(&g, MetricType::kGauge, "g", "", {FakePoint::Integer(R"({"a.b"="1",c="2"})", 1)});
  EXPECT_EQ(Encoded(std::move(g), {Format::kText100, Escaping::kAllowUtf8}),
            "# TYPE g gauge\ng{\"a.b\"=\"1\",c=\"2\"} 1\n");
}

TEST(Escaping, WithoutAWishNamesHaveUnderscores) {
  EXPECT_EQ(Encoded(Histogram(), Format::kText004),
            "# TYPE my_h histogram\n"
            R"(my_h_bucket{my_label="x\"",b="y",le="1"} 1)"
            "\n"
            R"(my_h_bucket{my_label="x\"",b="y",le="+Inf"} 1)"
            "\n"
            R"(my_h_sum{my_label="x\"",b="y"} 2)"
            "\n"
            R"(my_h_count{my_label="x\"",b="y"} 1)"
            "\n"
            "my_h_bucket{le=\"1\"} 0\nmy_h_bucket{le=\"+Inf\"} 1\nmy_h_sum 2\nmy_h_count 1\n");
}

TEST(Escaping, EachSchemeIsThereInTextAndOpenMetrics) {
  const auto gauge = [](const ExpositionForm& form) {
    Gathering g;
    AddFamily(&g, MetricType::kGauge, "a.b_c", "", {FakePoint::Integer(R"({"d.e_f"="x"})", 1)});
    return Encoded(std::move(g), form);
  };
  EXPECT_EQ(gauge({Format::kText004, Escaping::kDots}),
            "# TYPE a_dot_b__c gauge\na_dot_b__c{d_dot_e__f=\"x\"} 1\n");
  EXPECT_EQ(gauge({Format::kOpenMetrics, Escaping::kValues}),
            "# TYPE U__a_2e_b__c gauge\nU__a_2e_b__c{U__d_2e_e__f=\"x\"} 1\n# EOF\n");
}

TEST(Escaping, TheStateOfAStatesetHasTheNameOfItsFamily) {
  const auto states = [](const ExpositionForm& form) {
    Gathering g;
    AddFamily(&g, MetricType::kStateset, "my.state", "", {FakePoint::Stateset("", {"up"}, 1)});
    return Encoded(std::move(g), form);
  };
  EXPECT_EQ(states({Format::kOpenMetrics, Escaping::kAllowUtf8}),
            "# TYPE \"my.state\" stateset\n{\"my.state\",\"my.state\"=\"up\"} 1\n# EOF\n");
  EXPECT_EQ(states(Format::kOpenMetrics),
            "# TYPE my_state stateset\nmy_state{my_state=\"up\"} 1\n# EOF\n");
}

// A point of many lines is cut in the middle and goes on, as those of plain names.
TEST(Escaping, PiecesEndWhereTheyWould) {
  std::vector<double> bounds;
  for (int i = 0; i < 9999; ++i) bounds.push_back(i);
  for (const Escaping escaping : {Escaping::kUnderscores, Escaping::kAllowUtf8}) {
    Gathering g;
    AddFamily(&g, MetricType::kHistogram, "my.h", "",
              {FakePoint::Histogram(R"({"a.b"="1"})", bounds,
                                    std::vector<uint64_t>(bounds.size() + 1, 1), 2)});
    const std::string all = Encoded(std::move(g), {Format::kText100, escaping});
    EXPECT_EQ(std::count(all.begin(), all.end(), '\n'), 1 + 10000 + 2);
    EXPECT_NE(all.find(escaping == Escaping::kAllowUtf8 ? "\n{\"my.h_count\",\"a.b\"=\"1\"} 10000\n"
                                                        : "\nmy_h_count{a_b=\"1\"} 10000\n"),
              std::string::npos);
  }
}

}  // namespace
}  // namespace promplug
