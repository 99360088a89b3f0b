// SPDX-License-Identifier: MIT
#include "exposition/protobuf_encoder.hpp"

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

std::vector<std::string> Pieces(Gathering gathering) {
  const auto stream =
      NewExpositionStream(std::move(gathering), Format::kProtobuf, Timestamps::kKeep);
  std::vector<std::string> pieces;
  for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) {
    pieces.emplace_back(piece);
  }
  EXPECT_EQ(stream->Next(), "") << "it goes on after its end";
  return pieces;
}

std::string Joined(const std::vector<std::string>& pieces) {
  std::string all;
  for (const std::string& piece : pieces) all += piece;
  return all;
}

// The lengths that stand before the messages, which must end where the text ends.
std::vector<size_t> MessageSizes(std::string_view text) {
  std::vector<size_t> sizes;
  while (!text.empty()) {
    size_t size = 0;
    for (int shift = 0;; shift += 7) {
      const auto byte = static_cast<unsigned char>(text.front());
      text.remove_prefix(1);
      size |= static_cast<size_t>(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    EXPECT_LE(size, text.size());
    sizes.push_back(size);
    text.remove_prefix(std::min(size, text.size()));
  }
  return sizes;
}

TEST(ProtobufEncoder, NamesItsContentTypeAsPrometheusAsksForIt) {
  EXPECT_EQ(ContentType(Format::kProtobuf),
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; "
            "encoding=delimited");
}

TEST(ProtobufEncoder, WritesTheseBytesForACounter) {
  Gathering gathering;
  AddFamily(&gathering, MetricType::kCounter, "c_total", "H", {FakePoint::Integer("{a=\"b\"}", 1)});
  EXPECT_EQ(Joined(Pieces(std::move(gathering))), std::string("\x23\x0a\x07"
                                                              "c_total\x12\x01H\x18\x00"
                                                              "\x22\x13\x0a\x06\x0a\x01"
                                                              "a\x12\x01"
                                                              "b\x1a\x09\x09\0\0\0\0\0\0\xf0\x3f",
                                                              36));
}

TEST(ProtobufEncoder, WritesOneMessageForAFamilyOfSeveralParts) {
  Gathering gathering;
  AddFamily(&gathering, MetricType::kGauge, "a", "", {FakePoint::Integer("", 1)});
  gathering.families[0].parts.push_back(std::make_unique<testing::FakeSource>(
      std::vector<FakePoint>{FakePoint::Integer("{l=\"2\"}", 2)}));
  AddFamily(&gathering, MetricType::kGauge, "b", "", std::vector<FakePoint>{});
  AddFamily(&gathering, MetricType::kGauge, "c", "", {FakePoint::Integer("", 1)});
  EXPECT_EQ(MessageSizes(Joined(Pieces(std::move(gathering)))).size(), 2U);
}

TEST(ProtobufEncoder, GivesALargeFamilyInPiecesThatAreNearlyFullAndASmallOneAfterIt) {
  std::vector<FakePoint> points;
  for (uint64_t i = 0; i < 40000; ++i) {
    points.push_back(FakePoint::Integer("{l=\"" + std::to_string(i) + "\"}", i));
  }
  Gathering gathering;
  AddFamily(&gathering, MetricType::kGauge, "large", std::string(100000, 'h'), std::move(points));
  AddFamily(&gathering, MetricType::kGauge, "small", "", {FakePoint::Integer("", 1)});
  const auto pieces = Pieces(std::move(gathering));
  for (const std::string& piece : pieces) {
    EXPECT_LE(piece.size(), ExpositionStream::kMaxPieceBytes);
  }
  const std::string text = Joined(pieces);
  EXPECT_LT(pieces.size(), text.size() * 3 / 2 / ExpositionStream::kMaxPieceBytes);
  const std::vector<size_t> sizes = MessageSizes(text);
  ASSERT_EQ(sizes.size(), 2U);
  EXPECT_GT(sizes[0], 40000U * 20);
}

TEST(ProtobufEncoder, LeavesOutTheClassicBucketsOfANativeHistogramWithoutBounds) {
  NativeHistogram native;
  const uint64_t counts[] = {3};
  Point point;
  point.counts = counts;
  const std::vector<Point> classic(1, point);
  point.native = &native;
  const std::vector<Point> both(1, point);
  const auto size = [](const std::vector<Point>& points) {
    Gathering gathering;
    AddFamily(&gathering, MetricType::kHistogram, "h", "",
              std::make_unique<testing::RepeatingSource>(points, 1));
    return Joined(Pieces(std::move(gathering))).size();
  };
  constexpr size_t kBucketBytes = 2 + 2 + 9;
  constexpr size_t kNativeBytes = 2 + 9 + 2 + 2 + 4;
  EXPECT_EQ(size(both), size(classic) - kBucketBytes + kNativeBytes);
}

}  // namespace
}  // namespace promplug
