// SPDX-License-Identifier: MIT
#include "multiprocess/part_codec.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/part_text.hpp"
#include "support/part_values.hpp"
#include "support/random_parts.hpp"

namespace promplug {
namespace {

using ::testing::HasSubstr;
using testing::PartFamily;
using testing::PartText;
using testing::PartValue;
using testing::PartValues;
using testing::RandomParts;

std::string HeadText(const PartHead& part) {
  const FamilyHead& head = part.head;
  std::string text(head.name);
  for (const std::string_view each : {head.help, head.unit}) text += "|" + std::string(each);
  for (const uint64_t each :
       {static_cast<uint64_t>(part.kind), static_cast<uint64_t>(head.type),
        static_cast<uint64_t>(head.process_mode), static_cast<uint64_t>(part.one_process),
        static_cast<uint64_t>(head.quoted_labels),
        static_cast<uint64_t>(head.plain_in_open_metrics), uint64_t{part.native_max_buckets}}) {
    text += "|" + std::to_string(each);
  }
  return text;
}

void AppendText(std::string* text, const PartHead& head, PartPoints* points) {
  *text += HeadText(head) + "\n";
  PartPoint point;
  while (points->Next(&point)) *text += "  " + PartText(head.head.type, point) + "\n";
}

std::string TextOf(const std::vector<PartFamily>& families) {
  std::string text;
  for (const PartFamily& family : families) {
    PartValues points(family.points);
    AppendText(&text, family.Head(), &points);
  }
  return text;
}

std::string Encode(const std::vector<PartFamily>& families) {
  std::string bytes;
  PartEncoder encoder(&bytes);
  for (const PartFamily& family : families) {
    encoder.Family(family.Head());
    PartValues points(family.points);
    PartPoint point;
    while (points.Next(&point)) encoder.Add(point);
  }
  encoder.End();
  return bytes;
}

Status Decode(std::string_view bytes, std::string* text) {
  return DecodeParts(
      bytes, [&](const PartHead& head, PartPoints* points) { AppendText(text, head, points); });
}

std::vector<PartFamily> RandomFamilies(RandomParts* random) {
  std::vector<PartFamily> families;
  for (size_t n = random->Below(5); families.size() < n;) families.push_back(random->Family());
  return families;
}

TEST(PartCodec, WhatIsEncodedIsDecoded) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    RandomParts random(seed);
    const auto families = RandomFamilies(&random);
    std::string text;
    const Status status = Decode(Encode(families), &text);
    ASSERT_TRUE(status.ok()) << seed << status.text();
    ASSERT_EQ(text, TextOf(families)) << seed;
  }
}

TEST(PartCodec, TheFlagsOfAFamilyAreKeptApart) {
  for (int flags = 0; flags < 8; ++flags) {
    const PartFamily family{"f"};
    PartHead head = family.Head();
    head.one_process = (flags & 1) != 0;
    head.head.quoted_labels = (flags & 2) != 0;
    head.head.plain_in_open_metrics = (flags & 4) != 0;
    std::string bytes;
    PartEncoder encoder(&bytes);
    encoder.Family(head);
    encoder.End();
    std::string text;
    ASSERT_TRUE(Decode(bytes, &text).ok());
    EXPECT_EQ(text, HeadText(head) + "\n");
  }
}

TEST(PartCodec, NoBytesAreNoFamilies) {
  std::string text;
  EXPECT_TRUE(Decode("", &text).ok());
  EXPECT_TRUE(Decode(Encode({}), &text).ok());
  EXPECT_EQ(text, "");
}

TEST(PartCodec, PointsNeedNotBeRead) {
  RandomParts random(3);
  std::vector<PartFamily> families;
  for (int i = 0; i < 20; ++i) families.push_back(random.Family());
  size_t n = 0;
  const Status status =
      DecodeParts(Encode(families), [&](const PartHead& head, PartPoints* points) {
        EXPECT_EQ(HeadText(head), HeadText(families[n].Head()));
        PartPoint point;
        if (++n % 2 == 0) points->Next(&point);
      });
  EXPECT_TRUE(status.ok()) << status.text();
  EXPECT_EQ(n, families.size());
}

TEST(PartCodec, EveryCutIsSeenAndWhatStandsBeforeItIsUsed) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    RandomParts random(seed);
    const auto families = RandomFamilies(&random);
    const std::string bytes = Encode(families);
    const std::string whole = TextOf(families);
    for (size_t n = 1; n < bytes.size(); ++n) {
      // On the heap, so that a sanitizer sees what is read behind the end.
      const std::vector<char> cut(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(n));
      std::string text;
      const Status status = Decode({cut.data(), cut.size()}, &text);
      ASSERT_EQ(status.code(), Code::kInvalid) << seed << " " << n;
      ASSERT_EQ(whole.substr(0, text.size()), text);
    }
    std::string text;
    EXPECT_EQ(Decode(bytes + "\x03", &text).code(), Code::kInvalid);
  }
}

TEST(PartCodec, EveryChangedByteIsRefusedOrReadAsAnotherValue) {
  RandomParts random(7);
  for (int round = 0; round < 200; ++round) {
    const std::string bytes = Encode(RandomFamilies(&random));
    for (int change = 0; change < 50; ++change) {
      std::vector<char> changed(bytes.begin(), bytes.end());
      changed[random.Below(changed.size())] ^= static_cast<char>(1 << random.Below(8));
      std::string text;
      const Status status = Decode({changed.data(), changed.size()}, &text);
      EXPECT_TRUE(status.ok() || status.code() == Code::kInvalid);
    }
  }
}

// What DecodeParts says of one histogram or summary with these values.
std::string Refusal(const PartFamily& family) {
  std::string text;
  return Decode(Encode({family}), &text).text();
}

TEST(PartCodec, ValuesThatNoPointHasAreRefused) {
  const auto histogram = [](std::vector<double> bounds) {
    std::vector<uint64_t> counts(bounds.size() + 1, 1);
    return PartFamily{"h",
                      MetricType::kHistogram,
                      {PartValue::Histogram("", std::move(bounds), std::move(counts), 1)}};
  };
  EXPECT_EQ(Refusal(histogram({1, 2})), "");
  EXPECT_THAT(Refusal(histogram({2, 1})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(histogram({1, 1})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(histogram({1, INFINITY})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(histogram({NAN})), HasSubstr("cut or damaged"));

  const auto native = [&](testing::PartNative buckets) {
    PartFamily family = histogram({});
    family.points[0].native = std::move(buckets);
    return family;
  };
  EXPECT_EQ(Refusal(native({3, 0, 1, {{1, 1}}})), "");
  EXPECT_THAT(Refusal(native({9, 0, 1})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(native({-5, 0, 1})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(native({0, -1, 1})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(native({0, NAN, 1})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(native({0, 0, 1, {{1026, 1}}})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(native({0, 0, 1, {}, {{-1075, 1}}})), HasSubstr("cut or damaged"));

  const auto summary = [](std::vector<double> quantiles, std::vector<SketchBucket> window) {
    return PartFamily{
        "s", MetricType::kSummary, {PartValue::Summary("", std::move(quantiles), window, 1, 1)}};
  };
  EXPECT_EQ(Refusal(summary({0, 1}, {{-131009, 1}, {131008, 1}})), "");
  EXPECT_THAT(Refusal(summary({-0.1}, {})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(summary({1.1}, {})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(summary({0.5, 0.5}, {})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(summary({}, {{2, 1}, {1, 1}})), HasSubstr("cut or damaged"));
  EXPECT_THAT(Refusal(summary({}, {{131009, 1}})), HasSubstr("cut or damaged"));

  const auto labelled = [](std::string labels) {
    return PartFamily{"c", MetricType::kCounter, {PartValue::Integer(std::move(labels), 1)}};
  };
  EXPECT_EQ(Refusal(labelled("{}")), "");
  for (const char* labels : {"{", "}", "a", "{a=\"b\"", "a=\"b\"}", "{\"\xC3\"=\"b\"}"}) {
    EXPECT_THAT(Refusal(labelled(labels)), HasSubstr("cut or damaged")) << labels;
  }
  PartFamily family{""};
  EXPECT_THAT(Refusal(family), HasSubstr("cut or damaged"));
  for (std::string* text : {&family.name, &family.help, &family.unit}) {
    family = {"f"};
    EXPECT_EQ(Refusal(family), "");
    *text = "\xFF";
    EXPECT_THAT(Refusal(family), HasSubstr("cut or damaged"));
  }
}

TEST(PartCodec, BoundsThatPointsHaveInCommonStandThereOnce) {
  PartFamily family{"h", MetricType::kHistogram};
  const std::vector<double> bounds(100, 0);
  const auto size_of = [&](size_t points) {
    family.points.clear();
    for (size_t i = 0; i < points; ++i) {
      family.points.push_back(PartValue::Histogram("", bounds, std::vector<uint64_t>(101), 1));
    }
    return Encode({family}).size();
  };
  const size_t point = size_of(2) - size_of(1);
  EXPECT_EQ(size_of(3) - size_of(2), point);
  EXPECT_EQ(size_of(1) - size_of(0), point + sizeof(uint32_t) + 100 * sizeof(double));
}

}  // namespace
}  // namespace promplug
