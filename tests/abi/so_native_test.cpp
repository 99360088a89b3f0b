// SPDX-License-Identifier: MIT
// Native histograms, read back through gather(), in text and in protobuf.
#include <gmock/gmock.h>

#include <map>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Seen {
  int32_t schema = 99;
  double zero_threshold = -1;
  uint64_t zero_count = 0;
  std::map<int32_t, uint64_t> positive;
  std::map<int32_t, uint64_t> negative;
};

std::map<int32_t, uint64_t> Buckets(const int32_t* offsets, const uint32_t* lengths, size_t n,
                                    const uint64_t* counts) {
  std::map<int32_t, uint64_t> buckets;
  int32_t index = 0;
  for (size_t i = 0; i < n; ++i) {
    index += offsets[i];
    for (uint32_t k = 0; k < lengths[i]; ++k) buckets[index++] = *counts++;
  }
  return buckets;
}

// The native buckets of the last point that has some.
Seen GatherNative(Host& host) {
  Seen seen;
  promplug_visitor visitor = {};
  visitor.struct_size = sizeof visitor;
  visitor.user = &seen;
  visitor.family = [](void*, const promplug_family_head*) { return int32_t{0}; };
  visitor.point = [](void* user, const promplug_point* point) {
    if (point->native == nullptr) return int32_t{0};
    const promplug_native_histogram& native = *point->native;
    *static_cast<Seen*>(user) = {native.schema, native.zero_threshold, native.zero_count,
                                 Buckets(native.positive_offsets, native.positive_lengths,
                                         native.n_positive_spans, native.positive_counts),
                                 Buckets(native.negative_offsets, native.negative_lengths,
                                         native.n_negative_spans, native.negative_counts)};
    return int32_t{0};
  };
  EXPECT_EQ(Api()->gather(host.p, &visitor, 5000, &host.err), PROMPLUG_OK) << host.err.text;
  return seen;
}

promplug_family_desc Description() {
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = PROMPLUG_HISTOGRAM;
  desc.name = S("wait_seconds");
  desc.help = S("help");
  desc.native_max_buckets = 20;
  desc.native_growth = 2;
  return desc;
}

promplug_metric* Make(Host& host, const promplug_family_desc& desc) {
  promplug_family* family = nullptr;
  EXPECT_EQ(Api()->family(host.p, &desc, &family, &host.err), PROMPLUG_OK) << host.err.text;
  return host.Metric(family);
}

TEST(NativeHistogramTest, CountsInBucketsOfTheGrowthAskedFor) {
  Host host;
  host.Start();
  promplug_family_desc desc = Description();
  desc.native_zero_width = 0.25;
  promplug_metric* metric = Make(host, desc);
  for (const double v : {0.0, 0.25, 0.5, 1.0, 1.5, 2.0, -5.0}) Api()->observe(metric, v);
  const Seen seen = GatherNative(host);
  EXPECT_EQ(seen.schema, 0);
  EXPECT_EQ(seen.zero_threshold, 0.25);
  EXPECT_EQ(seen.zero_count, 2u);
  EXPECT_EQ(seen.positive, (std::map<int32_t, uint64_t>{{-1, 1}, {0, 1}, {1, 2}}));
  EXPECT_EQ(seen.negative, (std::map<int32_t, uint64_t>{{3, 1}}));
  EXPECT_THAT(host.Get(), AllOf(HasSubstr("\nwait_seconds_bucket{le=\"+Inf\"} 7\n"),
                                HasSubstr("\nwait_seconds_sum 0.25\n"),
                                HasSubstr("\nwait_seconds_count 7\n"), Not(HasSubstr("le=\"1\""))));
}

TEST(NativeHistogramTest, HasTheClassicBucketsBesideThatWereAskedFor) {
  Host host;
  host.Start();
  promplug_family_desc desc = Description();
  const double bounds[] = {1, 2};
  desc.buckets = bounds;
  desc.n_buckets = 2;
  promplug_metric* metric = Make(host, desc);
  for (const double v : {1.0, 1.5, 8.0}) Api()->observe(metric, v);
  EXPECT_EQ(GatherNative(host).positive, (std::map<int32_t, uint64_t>{{0, 1}, {1, 1}, {3, 1}}));
  EXPECT_THAT(host.Get(), AllOf(HasSubstr("\nwait_seconds_bucket{le=\"1\"} 1\n"),
                                HasSubstr("\nwait_seconds_bucket{le=\"2\"} 2\n"),
                                HasSubstr("\nwait_seconds_bucket{le=\"+Inf\"} 3\n")));
}

TEST(NativeHistogramTest, HasWiderBucketsWhereThereWouldBeTooMany) {
  Host host;
  promplug_metric* metric = Make(host, Description());
  double v = 1e-20;
  for (int i = 0; i < 100; ++i, v *= 2) Api()->observe(metric, v);
  host.Start();
  const Seen seen = GatherNative(host);
  EXPECT_LT(seen.schema, -2);
  EXPECT_LE(seen.positive.size(), 20u);
  uint64_t count = 0;
  for (const auto& [index, n] : seen.positive) count += n;
  EXPECT_EQ(count, 100u);
}

TEST(NativeHistogramTest, IsRefusedWithTheFieldThatIsWrong) {
  Host host;
  const auto refusal = [&host](const promplug_family_desc& desc) {
    promplug_family* family = nullptr;
    EXPECT_EQ(Api()->family(host.p, &desc, &family, &host.err), PROMPLUG_E_INVAL);
    return std::string(host.err.text);
  };
  promplug_family_desc desc = Description();
  desc.native_growth = 0.5;
  EXPECT_THAT(refusal(desc), HasSubstr("native_growth"));
  desc = Description();
  desc.native_zero_width = -1;
  EXPECT_THAT(refusal(desc), HasSubstr("native_zero_width"));
  desc = Description();
  desc.native_max_buckets = 4096;
  EXPECT_THAT(refusal(desc), HasSubstr("2048 native buckets"));
}

TEST(NativeHistogramTest, OfACollectorIsShownAsItWasSaid) {
  Host host;
  host.Start();
  promplug_collector collector = {};
  collector.struct_size = sizeof collector;
  collector.name = S("c");
  collector.collect = [](void*, const promplug_writer* writer) {
    promplug_family_head head = {};
    head.struct_size = sizeof head;
    head.type = PROMPLUG_HISTOGRAM;
    head.name = S("said_seconds");
    int32_t result = writer->family(writer, &head);
    const int32_t offsets[] = {-3, 1};
    const uint32_t lengths[] = {1, 2};
    const uint64_t counts[] = {1, 2, 3};
    promplug_native_histogram native = {};
    native.struct_size = sizeof native;
    native.schema = 2;
    native.zero_count = 4;
    native.positive_offsets = offsets;
    native.positive_lengths = lengths;
    native.n_positive_spans = 2;
    native.positive_counts = counts;
    promplug_point point = {};
    point.struct_size = sizeof point;
    point.count = 10;
    point.native = &native;
    if (result == PROMPLUG_OK) result = writer->point(writer, &point);
    native.zero_count = 5;
    promplug_kv label = {S("wrong"), S("count")};
    point.labels = &label;
    point.n_labels = 1;
    EXPECT_EQ(writer->point(writer, &point), PROMPLUG_E_INVAL);
    return result;
  };
  promplug_reg registration = 0;
  ASSERT_EQ(Api()->register_collector(host.p, &collector, &registration, &host.err), PROMPLUG_OK)
      << host.err.text;
  const Seen seen = GatherNative(host);
  EXPECT_EQ(seen.schema, 2);
  EXPECT_EQ(seen.zero_count, 4u);
  EXPECT_EQ(seen.positive, (std::map<int32_t, uint64_t>{{-3, 1}, {-1, 2}, {0, 3}}));
  EXPECT_THAT(host.Get(), AllOf(HasSubstr("\nsaid_seconds_count 10\n"), Not(HasSubstr("wrong="))));
}

}  // namespace
}  // namespace so_test
