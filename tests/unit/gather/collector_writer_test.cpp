// SPDX-License-Identifier: MIT
#include "gather/collector_writer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

class CollectorWriterTest : public ::testing::Test {
 protected:
  Status Begin(MetricType type, std::string_view name) {
    return writer_.BeginFamily({type, name, "Help.", {}});
  }
  Status Add(std::vector<Label> labels, const Point& point) {
    return writer_.Add(labels.data(), labels.size(), point);
  }
  static Point Number(double value) {
    Point point;
    point.value = value;
    return point;
  }
  // Everything that was said, read back.
  std::vector<std::string> Said() {
    output_ = writer_.Finish();
    std::vector<std::string> lines;
    for (size_t i = 0; i < output_->n_families(); ++i) {
      const auto points = output_->Read(i);
      Point point;
      while (points->Next(&point, 1) != 0) lines.push_back(ToText(output_->Head(i), point));
    }
    return lines;
  }
  Point ReadOnly() {
    output_ = writer_.Finish();
    const auto points = output_->Read(0);
    Point point;
    EXPECT_EQ(points->Next(&point, 1), 1u);
    return point;
  }

  ManualClock clock_;
  std::atomic<TimePoint::rep> deadline_{
      (clock_.Now() + std::chrono::seconds(2)).time_since_epoch().count()};
  CollectorWriter writer_{1 << 20, clock_, deadline_};
  std::shared_ptr<const CollectedOutput> output_;
};

TEST_F(CollectorWriterTest, KeepsFamiliesAndPointsInTheirOrder) {
  ASSERT_TRUE(Begin(MetricType::kGauge, "b").ok());
  ASSERT_TRUE(Add({{"x", "1"}}, Number(1.5)).ok());
  ASSERT_TRUE(Add({{"x", "2\n\""}}, Number(-2)).ok());
  ASSERT_TRUE(Begin(MetricType::kCounter, "a_total").ok());
  Point integer;
  integer.is_integer = true;
  integer.integer = UINT64_MAX;
  ASSERT_TRUE(Add({}, integer).ok());
  EXPECT_THAT(Said(), ElementsAre("b{x=\"1\"} 1.5", "b{x=\"2\\n\\\"\"} -2",
                                  "a_total 18446744073709551615"));
  EXPECT_EQ(output_->Head(0).help, "Help.");
  EXPECT_EQ(output_->Head(1).type, MetricType::kCounter);
}

TEST_F(CollectorWriterTest, APointBeforeTheFirstFamilyIsCountedWithItsReason) {
  EXPECT_EQ(Add({}, Number(1)).code(), Code::kInvalid);
  EXPECT_EQ(writer_.refusals().invalid, 1u);
  EXPECT_EQ(writer_.refusals().first, "a point came before the first family");
  EXPECT_FALSE(Begin(MetricType::kGauge, "").ok());
  EXPECT_EQ(Add({}, Number(1)).text(), "no family is open");
  EXPECT_EQ(writer_.refusals().invalid, 2u);
}

TEST_F(CollectorWriterTest, KeepsEverythingOfAHistogram) {
  const double bounds[] = {0.5, 1, 2};
  const uint64_t counts[] = {1, 0, 2, 3};
  const Exemplar exemplars[] = {{"{trace=\"late\"}", 5, 77}, {"{trace=\"mid\"}", 1.5, 78}};
  Point point;
  point.bounds = bounds;
  point.counts = counts;
  point.n_bounds = 3;
  point.sum = 12.25;
  point.has_timestamp = true;
  point.timestamp_ms = -4;
  point.created_ms = 1234;
  point.exemplars = exemplars;
  point.n_exemplars = 2;
  ASSERT_TRUE(Begin(MetricType::kHistogram, "h").ok());
  ASSERT_TRUE(Add({{"a", "b"}}, point).ok());
  const Point read = ReadOnly();
  EXPECT_EQ(read.labels, "{a=\"b\"}");
  EXPECT_THAT(std::vector(read.bounds, read.bounds + read.n_bounds), ElementsAre(0.5, 1, 2));
  EXPECT_THAT(std::vector(read.counts, read.counts + 4), ElementsAre(1, 0, 2, 3));
  EXPECT_EQ(read.sum, 12.25);
  EXPECT_TRUE(read.has_sum);
  EXPECT_TRUE(read.has_timestamp);
  EXPECT_EQ(read.timestamp_ms, -4);
  EXPECT_EQ(read.created_ms, 1234);
  ASSERT_EQ(read.n_exemplars, 4u);
  EXPECT_TRUE(read.exemplars[0].labels.empty());
  EXPECT_EQ(read.exemplars[2].labels, "{trace=\"mid\"}");
  EXPECT_EQ(read.exemplars[3].labels, "{trace=\"late\"}");
  EXPECT_EQ(read.exemplars[3].unix_ms, 77);
}

TEST_F(CollectorWriterTest, KeepsANativeHistogramWithItsSpans) {
  const int32_t offsets[] = {-3, 2};
  const uint32_t lengths[] = {1, 2};
  const uint64_t native_counts[] = {5, 6, 7};
  const int32_t negative_offsets[] = {0};
  const uint32_t negative_lengths[] = {1};
  const uint64_t negative_counts[] = {9};
  NativeHistogram native;
  native.schema = 3;
  native.zero_threshold = 1e-9;
  native.zero_count = 4;
  native.positive_offsets = offsets;
  native.positive_lengths = lengths;
  native.n_positive_spans = 2;
  native.positive_counts = native_counts;
  native.negative_offsets = negative_offsets;
  native.negative_lengths = negative_lengths;
  native.n_negative_spans = 1;
  native.negative_counts = negative_counts;
  const uint64_t counts[] = {31};
  Point point;
  point.counts = counts;
  point.native = &native;
  ASSERT_TRUE(Begin(MetricType::kHistogram, "h").ok());
  ASSERT_TRUE(Add({}, point).ok());
  const Point read = ReadOnly();
  ASSERT_NE(read.native, nullptr);
  EXPECT_EQ(read.native->schema, 3);
  EXPECT_EQ(read.native->zero_count, 4u);
  EXPECT_EQ(read.native->positive_offsets[1], 2);
  EXPECT_EQ(read.native->positive_lengths[1], 2u);
  EXPECT_EQ(read.native->positive_counts[2], 7u);
  EXPECT_EQ(read.native->negative_counts[0], 9u);
}

TEST_F(CollectorWriterTest, RefusesANativeHistogramThatNoReaderTakesAndSaysWhy) {
  constexpr uint64_t kHuge = uint64_t{1} << 63;
  const uint64_t total[] = {3};
  const int32_t overlapping[] = {0, -1};
  const int32_t beyond[] = {2147483647, 1};
  const int32_t fine[] = {-2, 0};
  const uint32_t lengths[] = {1, 1};
  const uint64_t counts[] = {1, 2};
  const uint64_t huge[] = {kHuge, kHuge + 3};
  NativeHistogram native;
  native.n_positive_spans = 2;
  native.positive_offsets = fine;
  native.positive_lengths = lengths;
  native.positive_counts = counts;
  Point point;
  point.counts = total;
  point.native = &native;
  ASSERT_TRUE(Begin(MetricType::kHistogram, "h").ok());
  const auto refusal = [&](const NativeHistogram& wrong) {
    point.native = &wrong;
    return std::string(Add({}, point).text());
  };
  NativeHistogram wrong = native;
  wrong.schema = -5;
  EXPECT_THAT(refusal(wrong), HasSubstr("schema -5 is not in -4 to 8"));
  wrong = native;
  wrong.zero_threshold = kNan;
  EXPECT_THAT(refusal(wrong), HasSubstr("zero threshold"));
  wrong = native;
  wrong.positive_offsets = overlapping;
  EXPECT_THAT(refusal(wrong), HasSubstr("overlap"));
  wrong.positive_offsets = beyond;
  EXPECT_THAT(refusal(wrong), HasSubstr("beyond any bucket"));
  wrong = native;
  wrong.positive_counts = nullptr;
  EXPECT_THAT(refusal(wrong), HasSubstr("without counts"));
  wrong.positive_counts = huge;
  EXPECT_THAT(refusal(wrong), HasSubstr("impossible count"));
  wrong = native;
  wrong.zero_count = 1;
  EXPECT_THAT(refusal(wrong), HasSubstr("add up to 4, not to the count, 3"));
  wrong = native;
  wrong.n_positive_spans = 1;
  EXPECT_THAT(refusal(wrong), HasSubstr("add up to 1, not to the count, 3"));
  point.sum = kNan;
  EXPECT_EQ(refusal(wrong), "") << "what is missing was NaN";
  EXPECT_EQ(writer_.refusals().invalid, 8u);
}

TEST_F(CollectorWriterTest, KeepsASummaryAndACountersExemplar) {
  const double quantiles[] = {0, 0.5, 1};
  const double values[] = {1, kNan, 3};
  Point summary;
  summary.quantiles = quantiles;
  summary.quantile_values = values;
  summary.n_quantiles = 3;
  summary.integer = 42;
  summary.has_sum = false;
  ASSERT_TRUE(Begin(MetricType::kSummary, "s").ok());
  ASSERT_TRUE(Add({}, summary).ok());
  const Exemplar exemplar{"{trace=\"x\"}", 1, 2};
  Point counter = Number(7);
  counter.exemplars = &exemplar;
  counter.n_exemplars = 1;
  ASSERT_TRUE(Begin(MetricType::kCounter, "c_total").ok());
  ASSERT_TRUE(Add({}, counter).ok());
  EXPECT_THAT(Said(), ElementsAre("s 42 q0=1 q0.5=nan q1=3", "c_total 7"));
  Point read;
  output_->Read(0)->Next(&read, 1);
  EXPECT_FALSE(read.has_sum);
  output_->Read(1)->Next(&read, 1);
  ASSERT_EQ(read.n_exemplars, 1u);
  EXPECT_EQ(read.exemplars[0].labels, "{trace=\"x\"}");
}

TEST_F(CollectorWriterTest, LeavesOutAnExemplarWithTooManyCharactersButCountsTheValue) {
  const std::string fits = "{t=\"" + std::string(127, 'x') + "\"}";
  const std::string long_labels = "{t=\"" + std::string(128, 'x') + "\"}";
  for (const auto& [labels, name] : {std::pair(fits, "a"), std::pair(long_labels, "b")}) {
    const Exemplar exemplar{labels, 1, 2};
    Point counter = Number(7);
    counter.exemplars = &exemplar;
    counter.n_exemplars = 1;
    ASSERT_TRUE(Begin(MetricType::kCounter, name).ok());
    ASSERT_TRUE(Add({}, counter).ok());
  }
  EXPECT_THAT(Said(), ElementsAre("a 7", "b 7"));
  Point read;
  output_->Read(0)->Next(&read, 1);
  EXPECT_EQ(read.n_exemplars, 1u);
  output_->Read(1)->Next(&read, 1);
  EXPECT_EQ(read.n_exemplars, 0u);
}

TEST_F(CollectorWriterTest, RefusesWhatIsNotValidAndGoesOn) {
  const double falling[] = {2, 1};
  const double infinite[] = {1, kInfinity};
  const uint64_t counts[] = {1, 1, 1};
  Point histogram;
  histogram.counts = counts;
  histogram.n_bounds = 2;
  const double outside[] = {1.5};
  Point summary;
  summary.quantiles = summary.quantile_values = outside;
  summary.n_quantiles = 1;
  NativeHistogram native;
  native.schema = 9;

  uint64_t refused = 0;
  const auto expect_refused = [&](const Status& status) {
    EXPECT_EQ(status.code(), Code::kInvalid) << status.text();
    EXPECT_EQ(writer_.refusals().invalid, ++refused) << status.text();
  };
  ASSERT_TRUE(Begin(MetricType::kGauge, "g").ok());
  expect_refused(Add({{"", ""}}, Number(1)));
  expect_refused(Add({{"a.b", "1"}, {"a_b", "2"}}, Number(1)));
  expect_refused(Add({{"__reserved", ""}}, Number(1)));
  expect_refused(Add({{"a", "1"}, {"a", "2"}}, Number(1)));
  expect_refused(Add({{"a", "\xff"}}, Number(1)));
  ASSERT_TRUE(Begin(MetricType::kCounter, "c").ok());
  expect_refused(Add({}, Number(-1)));
  expect_refused(Add({}, Number(kNan)));
  ASSERT_TRUE(Begin(MetricType::kInfo, "i").ok());
  expect_refused(Add({}, Number(2)));
  ASSERT_TRUE(Begin(MetricType::kStateset, "s").ok());
  expect_refused(Add({{"s", "on"}}, Number(0.5)));
  expect_refused(Add({{"other", "on"}}, Number(1)));
  ASSERT_TRUE(Begin(MetricType::kHistogram, "h").ok());
  histogram.bounds = falling;
  expect_refused(Add({}, histogram));
  histogram.bounds = infinite;
  expect_refused(Add({}, histogram));
  histogram.bounds = nullptr;
  expect_refused(Add({}, histogram));
  histogram.n_bounds = 0;
  expect_refused(Add({{"le", "1"}}, histogram));
  histogram.native = &native;
  expect_refused(Add({}, histogram));
  native.schema = 8;
  expect_refused(Add({}, histogram));
  ASSERT_TRUE(Begin(MetricType::kSummary, "q").ok());
  expect_refused(Add({}, summary));
  expect_refused(Add({{"quantile", "1"}}, Point()));
  expect_refused(Begin(MetricType::kGauge, "\xff"));
  expect_refused(Begin(static_cast<MetricType>(9), "g9"));
  expect_refused(writer_.BeginFamily({MetricType::kGauge, "g2", "\xff", {}}));
  EXPECT_TRUE(writer_.lost().ok());
  ASSERT_TRUE(Begin(MetricType::kGauge, "fine").ok());
  ASSERT_TRUE(Add({}, Number(kNan)).ok());
  EXPECT_THAT(Said(), ElementsAre("fine nan"));
  EXPECT_THAT(writer_.refusals().first, ::testing::HasSubstr("label name \"\""));
}

TEST_F(CollectorWriterTest, RefusesASeriesThatSomeReaderTakesForAnother) {
  ASSERT_TRUE(Begin(MetricType::kGauge, "my.gauge").ok());
  ASSERT_TRUE(Add({{"a.b", "1"}}, Number(1)).ok());
  for (const std::string_view name : {"a_b", "a/b", "a_dot_b", "U__a_2e_b"}) {
    EXPECT_EQ(Add({{name, "1"}}, Number(2)).code(), Code::kInvalid) << name;
  }
  EXPECT_EQ(writer_.refusals().duplicates, 4u);
  EXPECT_THAT(Said(), ElementsAre("my.gauge{\"a.b\"=\"1\"} 1"));
  EXPECT_TRUE(output_->Head(0).quoted_labels);
}

TEST_F(CollectorWriterTest, FindsTheFamiliesThatOpenMetricsHasToShowPlain) {
  const auto states = [&](std::string_view name, std::vector<std::vector<Label>> points) {
    ASSERT_TRUE(Begin(MetricType::kStateset, name).ok());
    for (const auto& labels : points) ASSERT_TRUE(Add(labels, Number(1)).ok());
  };
  states("s0", {{{"s0", "x"}, {"u", "1"}}, {{"u", "1"}, {"s0", "y"}}, {{"s0", "x"}, {"u", "2"}}});
  states("s1", {{{"s1", "x"}, {"u", "1"}}, {{"s1", "x"}, {"u", "2"}}, {{"s1", "y"}, {"u", "1"}}});
  Point timed = Number(1);
  timed.has_timestamp = true;
  for (const MetricType type : {MetricType::kInfo, MetricType::kStateset, MetricType::kGauge}) {
    const std::string name = "t" + std::to_string(static_cast<int>(type));
    ASSERT_TRUE(Begin(type, name).ok());
    ASSERT_TRUE(Add({{name, "x"}}, timed).ok());
  }
  Said();
  const std::vector<bool> plain = {false, true, true, true, false};
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_EQ(output_->Head(i).plain_in_open_metrics, plain[i]) << output_->Head(i).name;
  }
}

TEST_F(CollectorWriterTest, RefusesPointsUntilTheNextFamilyAfterABadOneWithoutCountingThem) {
  EXPECT_EQ(Begin(MetricType::kGauge, "").code(), Code::kInvalid);
  EXPECT_EQ(Add({}, Number(1)).code(), Code::kInvalid);
  EXPECT_EQ(writer_.refusals().invalid, 1u);
  EXPECT_THAT(Said(), IsEmpty());
}

TEST_F(CollectorWriterTest, DropsASeriesThatWasThereInAnotherOrderOfLabels) {
  ASSERT_TRUE(Begin(MetricType::kGauge, "g").ok());
  ASSERT_TRUE(Add({{"a", "1"}, {"b", "2"}}, Number(1)).ok());
  EXPECT_EQ(Add({{"b", "2"}, {"a", "1"}}, Number(2)).code(), Code::kInvalid);
  EXPECT_EQ(writer_.refusals().duplicates, 1u);
  EXPECT_EQ(writer_.refusals().invalid, 0u);
  EXPECT_THAT(Said(), ElementsAre("g{a=\"1\",b=\"2\"} 1"));
}

TEST_F(CollectorWriterTest, OpensAFamilyAgainWithTheSameTypeOnly) {
  ASSERT_TRUE(Begin(MetricType::kGauge, "g").ok());
  ASSERT_TRUE(Add({{"a", "1"}}, Number(1)).ok());
  ASSERT_TRUE(Begin(MetricType::kGauge, "other").ok());
  ASSERT_TRUE(Begin(MetricType::kGauge, "g").ok());
  ASSERT_TRUE(Add({{"a", "2"}}, Number(2)).ok());
  EXPECT_EQ(Begin(MetricType::kCounter, "g").code(), Code::kInvalid);
  EXPECT_THAT(Said(), ElementsAre("g{a=\"1\"} 1", "g{a=\"2\"} 2"));
}

TEST_F(CollectorWriterTest, LosesTheOutputOverTheLimit) {
  CollectorWriter small(2000, clock_, deadline_);
  ASSERT_TRUE(small.BeginFamily({MetricType::kGauge, "g", "Help.", {}}).ok());
  Status status;
  int added = 0;
  for (; status.ok() && added < 1000; ++added) {
    const std::string value = std::to_string(added);
    const Label label{"a", value};
    status = small.Add(&label, 1, Number(1));
  }
  EXPECT_EQ(status.code(), Code::kLimit);
  EXPECT_GT(added, 10);
  EXPECT_EQ(small.lost().code(), Code::kLimit);
  EXPECT_EQ(small.BeginFamily({MetricType::kGauge, "h", "", {}}).code(), Code::kLimit);
}

TEST_F(CollectorWriterTest, RefusesOneEnormousLabelBeforeItIsKept) {
  const std::string value(2 << 20, 'x');
  ASSERT_TRUE(Begin(MetricType::kGauge, "g").ok());
  EXPECT_EQ(Add({{"a", value}}, Number(1)).code(), Code::kLimit);
}

TEST_F(CollectorWriterTest, SaysWhenItIsLate) {
  EXPECT_EQ(writer_.TimeLeft(), std::chrono::seconds(2));
  ASSERT_TRUE(Begin(MetricType::kGauge, "g").ok());
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_EQ(writer_.TimeLeft(), Duration::zero());
  EXPECT_EQ(Add({}, Number(1)).code(), Code::kTimeout);
  EXPECT_EQ(writer_.lost().code(), Code::kTimeout);
}

TEST_F(CollectorWriterTest, CountsWhatTheCallerRefuses) {
  EXPECT_EQ(writer_.Refuse(Status(Code::kInvalid, "odd")).code(), Code::kInvalid);
  EXPECT_EQ(writer_.refusals().invalid, 1u);
  EXPECT_EQ(writer_.refusals().first, "odd");
}

TEST(CumulativeToBucketsTest, TakesDifferencesAndChecksThem) {
  const uint64_t rising[] = {1, 1, 4};
  const uint64_t falling[] = {2, 1};
  std::vector<uint64_t> buckets;
  ASSERT_TRUE(CumulativeToBuckets(rising, 3, 6, &buckets).ok());
  EXPECT_THAT(buckets, ElementsAre(1, 0, 3, 2));
  ASSERT_TRUE(CumulativeToBuckets(nullptr, 0, 6, &buckets).ok());
  EXPECT_THAT(buckets, ElementsAre(6));
  EXPECT_EQ(CumulativeToBuckets(falling, 2, 6, &buckets).code(), Code::kInvalid);
  EXPECT_EQ(CumulativeToBuckets(rising, 3, 3, &buckets).code(), Code::kInvalid);
}

TEST(CollectedOutputTest, SharesTheBoundsOfNeighbouringHistograms) {
  CollectedOutput output;
  output.AddFamily({MetricType::kHistogram, "h", "", {}});
  const std::vector<double> bounds(100, 1.0);
  const std::vector<uint64_t> counts(101, 0);
  Point point;
  point.bounds = bounds.data();
  point.counts = counts.data();
  point.n_bounds = bounds.size();
  output.AddPoint(0, point);
  const uint64_t first = output.bytes();
  output.AddPoint(0, point);
  EXPECT_LT(output.bytes() - first, 101 * sizeof(uint64_t) + 300);
}

TEST(SeriesSetTest, TellsNewFromOldWhileItGrows) {
  SeriesSet set;
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_TRUE(set.Insert(i * 64));
  for (uint64_t i = 0; i < 1000; ++i) EXPECT_FALSE(set.Insert(i * 64));
  EXPECT_EQ(set.size(), 1000u);
}

}  // namespace
}  // namespace promplug::test
