// SPDX-License-Identifier: MIT
#include "exposition/openmetrics_encoder.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "exposition/stream.hpp"
#include "unit/exposition/sample_gathering.hpp"

namespace promplug {
namespace {

using testing::AddFamily;
using testing::FakePoint;

constexpr std::string_view kEof = "# EOF\n";

// Without the end, which every exposition has.
std::string Encoded(Gathering gathering, bool created_series = true) {
  ExpositionForm form = Format::kOpenMetrics;
  form.created_series = created_series;
  const auto stream = NewExpositionStream(std::move(gathering), form, Timestamps::kKeep);
  std::string all;
  for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) all += piece;
  EXPECT_TRUE(all.ends_with(kEof)) << all;
  EXPECT_EQ(all.find(kEof), all.size() - kEof.size()) << all;
  return all.substr(0, all.size() - kEof.size());
}

std::string One(MetricType type, std::string_view name, std::vector<FakePoint> points,
                std::string_view unit = {}, bool plain = false) {
  Gathering g;
  AddFamily(&g, type, name, "", std::move(points));
  g.families[0].head.unit = unit;
  g.families[0].head.plain_in_open_metrics = plain;
  return Encoded(std::move(g));
}

std::string Golden() {
  std::ifstream file(PROMPLUG_TEST_DATA "/exposition_openmetrics.txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(OpenMetricsEncoder, WritesEveryTypeAsTheGoldenFileSays) {
  EXPECT_EQ(Encoded(testing::SampleGathering()), Golden());
}

TEST(OpenMetricsEncoder, EndsAnEmptyExpositionToo) { EXPECT_EQ(Encoded({}), ""); }

TEST(OpenMetricsEncoder, GivesEachCounterItsTotalOnce) {
  const std::string lines = "# TYPE a counter\na_total 1\n";
  EXPECT_EQ(One(MetricType::kCounter, "a_total", {FakePoint::Integer("", 1)}), lines);
  EXPECT_EQ(One(MetricType::kCounter, "a", {FakePoint::Integer("", 1)}), lines);
}

TEST(OpenMetricsEncoder, ACounterThatIsCalledByTheSuffixAloneIsUnknown) {
  EXPECT_EQ(One(MetricType::kCounter, "_total", {FakePoint::Integer("", 1)}),
            "# TYPE _total unknown\n_total 1\n");
  EXPECT_EQ(One(MetricType::kInfo, "_info", {FakePoint::Integer("", 1)}),
            "# TYPE _info unknown\n_info 1\n");
}

TEST(OpenMetricsEncoder, APlainFamilyHasTheLinesOfTheTextFormat) {
  const Exemplar exemplar{R"({a="b"})", 1, 2};
  EXPECT_EQ(
      One(MetricType::kCounter, "a_seconds_total",
          {FakePoint::Integer("", 1).CreatedAt(5).WithExemplars({exemplar})}, "seconds", true),
      "# TYPE a_seconds_total unknown\na_seconds_total 1\n");
  EXPECT_EQ(One(MetricType::kInfo, "a", {FakePoint::Integer("", 1)}, "", true),
            "# TYPE a_info unknown\na_info 1\n");
  EXPECT_EQ(One(MetricType::kInfo, "a_info", {FakePoint::Integer("", 1)}, "", true),
            "# TYPE a_info unknown\na_info 1\n");
  EXPECT_EQ(One(MetricType::kStateset, "s", {FakePoint::Stateset("", {"x", "y"}, 2)}, "", true),
            "# TYPE s gauge\ns{s=\"x\"} 0\ns{s=\"y\"} 1\n");
}

TEST(OpenMetricsEncoder, SaysTheUnitOnlyWhereTheNameEndsInIt) {
  const auto unit_of = [](MetricType type, std::string_view name, std::string_view unit) {
    const std::string lines = One(type, name, {FakePoint::Integer("", 1)}, unit);
    const size_t at = lines.find("# UNIT ");
    return at == std::string::npos ? "" : lines.substr(at, lines.find('\n', at) - at);
  };
  EXPECT_EQ(unit_of(MetricType::kGauge, "a_seconds", "seconds"), "# UNIT a_seconds seconds");
  EXPECT_EQ(unit_of(MetricType::kCounter, "a_seconds_total", "seconds"),
            "# UNIT a_seconds seconds");
  EXPECT_EQ(unit_of(MetricType::kGauge, "a_seconds", "bytes"), "");
  EXPECT_EQ(unit_of(MetricType::kGauge, "aseconds", "seconds"), "");
  EXPECT_EQ(unit_of(MetricType::kGauge, "seconds", "seconds"), "");
  EXPECT_EQ(unit_of(MetricType::kInfo, "a_seconds", "seconds"), "");
}

TEST(OpenMetricsEncoder, EscapesTheHelpWithItsQuotes) {
  Gathering g;
  AddFamily(&g, MetricType::kGauge, "a", "a \"b\"\\\n", {FakePoint::Integer("", 1)});
  EXPECT_EQ(Encoded(std::move(g)), "# TYPE a gauge\n# HELP a a \\\"b\\\"\\\\\\n\na 1\n");
}

TEST(OpenMetricsEncoder, SaysWhenACounterAHistogramAndASummaryWereMade) {
  const int64_t at = 1395066363001;
  EXPECT_EQ(One(MetricType::kCounter, "a_total",
                {FakePoint::Integer("{b=\"c\"}", 1).CreatedAt(at),
                 FakePoint::Integer("", 2).CreatedAt(4000).At(7500)}),
            "# TYPE a counter\na_total{b=\"c\"} 1\na_created{b=\"c\"} 1395066363.001\n"
            "a_total 2 7.5\na_created 4 7.5\n");
  EXPECT_EQ(One(MetricType::kHistogram, "a", {FakePoint::Histogram("", {}, {1}, 2).CreatedAt(at)}),
            "# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 2\na_count 1\n"
            "a_created 1395066363.001\n");
  EXPECT_EQ(One(MetricType::kSummary, "a", {FakePoint::Summary("", {}, {}, 2, 1).CreatedAt(at)}),
            "# TYPE a summary\na_sum 2\na_count 1\na_created 1395066363.001\n");
  EXPECT_EQ(One(MetricType::kGauge, "a", {FakePoint::Integer("", 2).CreatedAt(at)}),
            "# TYPE a gauge\na 2\n");
  EXPECT_EQ(
      One(MetricType::kGaugeHistogram, "a", {FakePoint::Histogram("", {}, {1}, 2).CreatedAt(at)}),
      "# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gsum 2\na_gcount 1\n");
}

TEST(OpenMetricsEncoder, LeavesOutCreatedSeriesWhereTheFormSaysSo) {
  const Exemplar exemplar{R"({a="b"})", 3, 0};
  Gathering g;
  AddFamily(&g, MetricType::kCounter, "a_total", "",
            {FakePoint::Integer("{b=\"c\"}", 1).CreatedAt(1000).WithExemplars({exemplar})});
  AddFamily(&g, MetricType::kHistogram, "h", "",
            {FakePoint::Histogram("", {}, {1}, 2).CreatedAt(1000)});
  AddFamily(&g, MetricType::kSummary, "s", "",
            {FakePoint::Summary("", {}, {}, 2, 1).CreatedAt(1000)});
  EXPECT_EQ(Encoded(std::move(g), false),
            "# TYPE a counter\na_total{b=\"c\"} 1 # {a=\"b\"} 3\n"
            "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 2\nh_count 1\n"
            "# TYPE s summary\ns_sum 2\ns_count 1\n");
}

TEST(OpenMetricsEncoder, WritesExemplarsBehindTheirLines) {
  const Exemplar traced{R"({trace_id="a\"b"})", 0.25, 1395066363250};
  const Exemplar timeless{R"({trace_id="c"})", 3, 0};
  EXPECT_EQ(
      One(MetricType::kCounter, "a_total",
          {FakePoint::Integer("", 1).CreatedAt(1000).WithExemplars({traced})}),
      "# TYPE a counter\na_total 1 # {trace_id=\"a\\\"b\"} 0.25 1395066363.25\na_created 1\n");
  EXPECT_EQ(One(MetricType::kHistogram, "h",
                {FakePoint::Histogram("{x=\"y\"}", {0.5, 1}, {1, 0, 1}, 3.25)
                     .At(5)
                     .WithExemplars({traced, {}, timeless})}),
            "# TYPE h histogram\n"
            "h_bucket{x=\"y\",le=\"0.5\"} 1 0.005 # {trace_id=\"a\\\"b\"} 0.25 1395066363.25\n"
            "h_bucket{x=\"y\",le=\"1.0\"} 1 0.005\n"
            "h_bucket{x=\"y\",le=\"+Inf\"} 2 0.005 # {trace_id=\"c\"} 3\n"
            "h_sum{x=\"y\"} 3.25 0.005\nh_count{x=\"y\"} 2 0.005\n");
  // Gauges have none.
  EXPECT_EQ(One(MetricType::kGauge, "g", {FakePoint::Integer("", 1).WithExemplars({traced})}),
            "# TYPE g gauge\ng 1\n");
}

// The specification: counts and sums are counters, and belong together.
TEST(OpenMetricsEncoder, LeavesOutTheSumAndCountThatItsReadersRefuse) {
  const auto histogram = [](std::vector<double> bounds, double sum) {
    std::vector<uint64_t> counts(bounds.size() + 1, 1);
    return FakePoint::Histogram("", std::move(bounds), std::move(counts), sum);
  };
  const auto has_sum = [&](MetricType type, FakePoint point) {
    const std::string lines = One(type, "h", {std::move(point)});
    const bool sum = lines.find("sum ") != std::string::npos;
    EXPECT_EQ(lines.find("count ") != std::string::npos, sum) << lines;
    return sum;
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(has_sum(MetricType::kHistogram, histogram({0, 1}, 0)));
  EXPECT_FALSE(has_sum(MetricType::kHistogram, histogram({0, 1}, 1).WithoutSum()));
  EXPECT_FALSE(has_sum(MetricType::kHistogram, histogram({0, 1}, -1)));
  EXPECT_FALSE(has_sum(MetricType::kHistogram, histogram({-1, 1}, 1)));
  EXPECT_FALSE(has_sum(MetricType::kHistogram, histogram({}, kNan)));
  EXPECT_TRUE(has_sum(MetricType::kGaugeHistogram, histogram({-1, 1}, -1)));
  EXPECT_FALSE(has_sum(MetricType::kGaugeHistogram, histogram({0, 1}, -1)));
  EXPECT_FALSE(has_sum(MetricType::kGaugeHistogram, histogram({-1, 1}, kNan)));
  EXPECT_EQ(One(MetricType::kSummary, "s", {FakePoint::Summary("", {0.5, 1}, {-1, 2}, -1, 2)}),
            "# TYPE s summary\ns{quantile=\"1.0\"} 2\ns_count 2\n");
}

TEST(OpenMetricsEncoder, AStatesetWithAColonInItsNameIsAGauge) {
  EXPECT_EQ(One(MetricType::kStateset, "a:b", {FakePoint::Stateset("", {"x"}, 1)}),
            "# TYPE a:b gauge\na:b{a_b=\"x\"} 1\n");
}

}  // namespace
}  // namespace promplug
