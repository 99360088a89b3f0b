// SPDX-License-Identifier: MIT
#include "gather/merge.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FixedPoints final : public PointSource {
 public:
  explicit FixedPoints(const std::vector<Point>& points) : points_(points) {}
  size_t Next(Point* out, size_t max) override {
    size_t n = 0;
    while (n < max && next_ < points_.size()) out[n++] = points_[next_++];
    return n;
  }

 private:
  const std::vector<Point>& points_;
  size_t next_ = 0;
};

class MergeTest : public ::testing::Test {
 protected:
  // A family of gauges that are worth their number, unless another type is said.
  void Say(std::string_view source, MetricType type, std::string_view name,
           std::vector<std::string_view> labels = {""}, std::string_view help = "Help.") {
    auto points = std::make_unique<std::vector<Point>>();
    for (size_t i = 0; i < labels.size(); ++i) {
      Point& point = points->emplace_back();
      point.labels = labels[i];
      point.value = static_cast<double>(i);
    }
    families_.push_back({{type, name, help, {}}, source, [p = points.get()] {
                           return std::make_unique<FixedPoints>(*p);
                         }});
    kept_.push_back(std::move(points));
  }
  Gathering Merged(std::vector<std::string> names = {}) {
    return Merge(families_, NameFilter(std::move(names)), refusals_);
  }
  bool Refused(const std::string& reason, int n) {
    const std::string line =
        "promplug_series_refused_total{reason=\"" + reason + "\"} " + std::to_string(n);
    GatherRequest request;
    for (Family* family : self_.registry().Families()) {
      auto points = family->Read();
      Point point;
      while (points->Next(&point, 1) != 0) {
        if (ToText(family->head(), point) == line) return true;
      }
    }
    return false;
  }
  std::vector<std::string> Names(const Gathering& gathering) {
    std::vector<std::string> names;
    for (const GatheredFamily& family : gathering.families) names.emplace_back(family.head.name);
    return names;
  }

  ManualClock clock_;
  LogLines log_;
  SelfMetrics self_{clock_, "test"};
  std::shared_ptr<Refusals> refusals_ = std::make_shared<Refusals>(&self_, log_.log());
  std::vector<std::unique_ptr<std::vector<Point>>> kept_;
  std::vector<SourceFamily> families_;
};

TEST_F(MergeTest, SortsFamiliesOfAllSourcesByName) {
  Say("a", MetricType::kGauge, "c");
  Say("a", MetricType::kGauge, "a");
  Say("b", MetricType::kGauge, "b");
  EXPECT_THAT(Lines(Merged()), ElementsAre("a 0", "b 0", "c 0"));
}

TEST_F(MergeTest, JoinsOneNameOfSeveralSourcesInTheirOrder) {
  Say("a", MetricType::kGauge, "g", {"{x=\"1\"}"});
  Say("b", MetricType::kGauge, "g", {"{x=\"2\"}", "{x=\"3\"}"});
  EXPECT_THAT(Lines(Merged()), ElementsAre("g{x=\"1\"} 0", "g{x=\"2\"} 0", "g{x=\"3\"} 1"));
  EXPECT_EQ(log_.Count(""), 0u);
}

TEST_F(MergeTest, RefusesAnotherTypeOfALaterSourceAndSaysSoOnce) {
  Say("a", MetricType::kGauge, "g", {"{x=\"1\"}"});
  Say("b", MetricType::kCounter, "g", {"{x=\"2\"}"});
  Say("c", MetricType::kGauge, "g", {"{x=\"3\"}"});
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(Lines(Merged()), ElementsAre("g{x=\"1\"} 0", "g{x=\"3\"} 0"));
  }
  EXPECT_TRUE(Refused("type", 2));
  EXPECT_EQ(log_.Count("\"g\" of b is left out"), 1u);
}

TEST_F(MergeTest, TakesTheFirstHelpAndCountsTheOther) {
  Say("a", MetricType::kGauge, "g", {"{x=\"1\"}"}, "One.");
  Say("b", MetricType::kGauge, "g", {"{x=\"2\"}"}, "Two.");
  Say("c", MetricType::kGauge, "g", {"{x=\"3\"}"}, "");
  Gathering gathering = Merged();
  EXPECT_EQ(gathering.families[0].head.help, "One.");
  EXPECT_EQ(gathering.families[0].parts.size(), 3u);
  EXPECT_TRUE(Refused("help", 1));
  EXPECT_EQ(log_.Count("another help"), 1u);
}

TEST_F(MergeTest, DropsDuplicateSeriesWhateverTheOrderOfTheirLabels) {
  Say("a", MetricType::kGauge, "g", {"{x=\"1\",y=\"2\"}", "{x=\"3\"}"});
  Say("b", MetricType::kGauge, "g",
      {"{y=\"2\",x=\"1\"}", "{x=\"3\"}", "{x=\"3\"}", "{x=\"4\"}", "{x=\"3\"}", "{x=\"5\"}"});
  EXPECT_THAT(Lines(Merged()),
              ElementsAre("g{x=\"1\",y=\"2\"} 0", "g{x=\"3\"} 1", "g{x=\"4\"} 3", "g{x=\"5\"} 5"));
  EXPECT_TRUE(Refused("duplicate", 4));
  EXPECT_EQ(log_.Count("comes from two sources"), 1u);
}

TEST_F(MergeTest, RefusesTheLaterOfTwoFamiliesWithACommonSampleName) {
  Say("a", MetricType::kHistogram, "h");
  Say("a", MetricType::kGauge, "s_sum");
  Say("a", MetricType::kInfo, "i");
  Say("a", MetricType::kInfo, "j_info");
  Say("b", MetricType::kGauge, "h_count");
  Say("b", MetricType::kGauge, "h_bucket");
  Say("b", MetricType::kGauge, "h_total");
  Say("b", MetricType::kSummary, "s");
  Say("b", MetricType::kGauge, "i_info");
  Say("b", MetricType::kGauge, "j_info_info");
  Say("b", MetricType::kGauge, "s_count");
  EXPECT_THAT(Names(Merged()),
              ElementsAre("h", "h_total", "i", "j_info", "j_info_info", "s_count", "s_sum"));
  EXPECT_TRUE(Refused("name", 4));
  EXPECT_EQ(
      log_.Count("\"s\" of b is left out: it has a sample name in common with \"s_sum\" of a"), 1u);
}

TEST_F(MergeTest, RefusesTheLaterOfTwoFamiliesThatOpenMetricsCallsTheSame) {
  Say("a", MetricType::kHistogram, "h");
  Say("a", MetricType::kGauge, "h_created");
  Say("a", MetricType::kGauge, "g_gcount");
  Say("a", MetricType::kGaugeHistogram, "g");
  EXPECT_THAT(Names(Merged()), ElementsAre("g_gcount", "h"));
  EXPECT_TRUE(Refused("name", 2));
}

TEST_F(MergeTest, ShowsACounterOrInfoPlainWhereOpenMetricsCallsAnotherTheSame) {
  const auto plain = [&](MetricType type, std::string_view name, MetricType other_type,
                         std::string_view other) {
    families_.clear();
    Say("a", type, name);
    Say("a", other_type, other);
    Say("a", MetricType::kGauge, "zz");
    std::vector<std::string> found;
    for (const GatheredFamily& family : Merged().families) {
      if (family.head.plain_in_open_metrics) found.emplace_back(family.head.name);
    }
    return found;
  };
  const auto counter = MetricType::kCounter;
  const auto gauge = MetricType::kGauge;
  const auto info = MetricType::kInfo;
  const auto histogram = MetricType::kHistogram;
  EXPECT_THAT(plain(counter, "a_total", gauge, "a"), ElementsAre("a_total"));
  EXPECT_THAT(plain(counter, "a_total", histogram, "a"), ElementsAre("a_total"));
  EXPECT_THAT(plain(counter, "a_total", gauge, "a_created"), ElementsAre("a_total"));
  EXPECT_THAT(plain(counter, "a", gauge, "a_total"), ElementsAre("a"));
  EXPECT_THAT(plain(counter, "a", counter, "a_total"), ElementsAre("a", "a_total"));
  EXPECT_THAT(plain(counter, "a", counter, "a_created"), ElementsAre("a", "a_created"));
  EXPECT_THAT(plain(counter, "a_total", counter, "a_created_total"),
              ElementsAre("a_created_total", "a_total"));
  EXPECT_THAT(plain(counter, "h_sum_total", histogram, "h"), ElementsAre("h_sum_total"));
  EXPECT_THAT(plain(info, "a_info", gauge, "a"), ElementsAre("a_info"));
  EXPECT_THAT(plain(info, "a_info", counter, "a_total"), ElementsAre("a_info", "a_total"));
  EXPECT_THAT(plain(info, "a_total", counter, "a"), ElementsAre("a", "a_total"));
  EXPECT_THAT(plain(counter, "a_total", gauge, "ab"), IsEmpty());
  EXPECT_THAT(plain(counter, "a_total", counter, "a_b_total"), IsEmpty());
  EXPECT_THAT(plain(counter, "h_sum_total", gauge, "h"), IsEmpty());
  EXPECT_THAT(plain(counter, "a.b", gauge, "a_b_total"), ElementsAre("a.b"));
  EXPECT_THAT(plain(counter, "a.b", gauge, "a_dot_b_total"), ElementsAre("a.b"));
  EXPECT_THAT(plain(counter, "a_dot_b_total", gauge, "a.b"), ElementsAre("a_dot_b_total"));
}

TEST_F(MergeTest, ShowsAStatesetOfSeveralPartsPlain) {
  Say("a", MetricType::kStateset, "s", {"{s=\"x\"}"});
  EXPECT_FALSE(Merged().families[0].head.plain_in_open_metrics);
  Say("b", MetricType::kStateset, "s", {"{s=\"y\"}"});
  EXPECT_TRUE(Merged().families[0].head.plain_in_open_metrics);
}

TEST_F(MergeTest, RefusesTheLaterOfTwoFamiliesThatSomeReaderTakesForOne) {
  Say("a", MetricType::kGauge, "a.b");
  Say("a", MetricType::kHistogram, "U__c_2e_d");
  Say("a", MetricType::kHistogram, "e.f");
  Say("b", MetricType::kGauge, "a_b");
  Say("b", MetricType::kGauge, "a/b");
  Say("b", MetricType::kGauge, "a_dot_b");
  Say("b", MetricType::kGauge, "c.d");
  Say("b", MetricType::kGauge, "e_dot_f_sum");
  Say("b", MetricType::kGauge, "e_f_count");
  Say("b", MetricType::kGauge, "a.c");
  EXPECT_THAT(Names(Merged()), ElementsAre("U__c_2e_d", "a.b", "a.c", "e.f"));
  EXPECT_TRUE(Refused("name", 6));
}

TEST_F(MergeTest, DropsSeriesOfALaterPartThatSomeReaderTakesForAnother) {
  Say("a", MetricType::kGauge, "g", {"{\"a.b\"=\"1\"}"});
  Say("b", MetricType::kGauge, "g", {"{a_b=\"1\"}", "{a_dot_b=\"1\"}", "{a_b=\"2\"}"});
  families_[0].head.quoted_labels = true;
  EXPECT_THAT(Lines(Merged()), ElementsAre("g{\"a.b\"=\"1\"} 0", "g{a_b=\"2\"} 2"));
}

TEST_F(MergeTest, FindsAClashAlthoughNamesSortBetweenTheTwo) {
  Say("a", MetricType::kHistogram, "h");
  Say("a", MetricType::kGauge, "hA_count");
  Say("a", MetricType::kGauge, "h0");
  Say("b", MetricType::kGauge, "h_sum");
  EXPECT_THAT(Names(Merged()), ElementsAre("h", "h0", "hA_count"));
}

TEST_F(MergeTest, KeepsTheFamiliesThatWereAskedForByTheirOrASamplesName) {
  Say("a", MetricType::kHistogram, "h");
  Say("a", MetricType::kGauge, "g");
  Say("a", MetricType::kGauge, "gg");
  Say("a", MetricType::kInfo, "build");
  EXPECT_THAT(Names(Merged({"g"})), ElementsAre("g"));
  EXPECT_THAT(Names(Merged({"h_count", "build_info"})), ElementsAre("build", "h"));
  EXPECT_THAT(Names(Merged({"g_count", "other"})), IsEmpty());
  Say("a", MetricType::kCounter, "c");
  Say("a", MetricType::kHistogram, "my.h");
  EXPECT_THAT(Names(Merged({"c_total"})), ElementsAre("c"));
  EXPECT_THAT(Names(Merged({"h_created", "my.h_sum"})), ElementsAre("h", "my.h"));
  EXPECT_THAT(Names(Merged({"my_h"})), IsEmpty());
}

TEST_F(MergeTest, RemembersABoundedNumberOfThingsItHasSaid) {
  std::vector<std::string> names;
  for (size_t i = 0; i < Refusals::kMaxRemembered + 10; ++i) names.push_back(std::to_string(i));
  for (int round = 0; round < 2; ++round) {
    for (const std::string& name : names) refusals_->Refuse("type", name, "odd");
  }
  EXPECT_EQ(log_.Count("odd"), Refusals::kMaxRemembered);
  EXPECT_TRUE(Refused("type", static_cast<int>(2 * names.size())));
}

}  // namespace
}  // namespace promplug::test
