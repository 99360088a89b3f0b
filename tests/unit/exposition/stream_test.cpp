// SPDX-License-Identifier: MIT
#include "exposition/stream.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "support/fake_gathering.hpp"

namespace promplug {
namespace {

using testing::AddFamily;
using testing::FakePoint;
using testing::FakeSource;

std::vector<std::string> Pieces(Gathering gathering) {
  const auto stream =
      NewExpositionStream(std::move(gathering), Format::kText004, Timestamps::kKeep);
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

void ExpectPieceSizes(const std::vector<std::string>& pieces) {
  for (const std::string& piece : pieces) {
    EXPECT_LE(piece.size(), ExpositionStream::kMaxPieceBytes);
  }
}

std::string Label(const std::string& value) { return "{l=\"" + value + "\"}"; }

TEST(ExpositionStream, NamesTheContentTypeWithVersionAndCharset) {
  EXPECT_EQ(ContentType(Format::kText004), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentType(Format::kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(ContentType({Format::kText100, Escaping::kAllowUtf8}),
            "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
  EXPECT_EQ(ContentType({Format::kText004, Escaping::kDots}),
            "text/plain; version=0.0.4; charset=utf-8; escaping=dots");
}

TEST(ExpositionStream, GivesOutFewPiecesThatAreNearlyFull) {
  std::vector<FakePoint> points;
  std::string expected = "# TYPE g gauge\n";
  for (uint64_t i = 0; i < 20000; ++i) {
    points.push_back(FakePoint::Integer(Label(std::to_string(i)), i));
    expected += "g" + points.back().labels + " " + std::to_string(i) + "\n";
  }
  Gathering g;
  AddFamily(&g, MetricType::kGauge, "g", "", std::move(points));
  const auto pieces = Pieces(std::move(g));
  ExpectPieceSizes(pieces);
  EXPECT_EQ(Joined(pieces), expected);
  for (size_t i = 0; i + 1 < pieces.size(); ++i) {
    EXPECT_GT(pieces[i].size(), ExpositionStream::kMaxPieceBytes - 256);
  }
}

TEST(ExpositionStream, ReadsThePartsOfAFamilyOneAfterTheOther) {
  Gathering g;
  AddFamily(&g, MetricType::kGauge, "g", "", {FakePoint::Integer("", 1)});
  g.families[0].parts.push_back(std::make_unique<FakeSource>(std::vector<FakePoint>{}));
  g.families[0].parts.push_back(
      std::make_unique<FakeSource>(std::vector<FakePoint>{FakePoint::Integer(Label("b"), 2)}));
  EXPECT_EQ(Joined(Pieces(std::move(g))), "# TYPE g gauge\ng 1\ng{l=\"b\"} 2\n");
}

// A line of each kind that is longer than a piece, among others that are not.
TEST(ExpositionStream, GivesLinesThatAreLongerThanAPieceWhole) {
  const std::string longs = Label(std::string(200000, 'x'));
  const std::string inner = longs.substr(0, longs.size() - 1);
  Gathering g;
  AddFamily(&g, MetricType::kGauge, "a", std::string(150000, 'h'),
            {FakePoint::Integer("", 1), FakePoint::Integer(longs, 2), FakePoint::Integer("", 3)});
  AddFamily(&g, MetricType::kHistogram, "b", "",
            {FakePoint::Histogram(longs, {1}, {1, 1}, 2), FakePoint::Histogram("", {}, {0}, 0)});
  AddFamily(&g, MetricType::kSummary, "c", "", {FakePoint::Summary(longs, {0.5}, {1}, 2, 3)});
  AddFamily(&g, MetricType::kStateset, "d", "",
            {FakePoint::Stateset("", {std::string(100000, 's'), "t"}, 1)});
  const auto pieces = Pieces(std::move(g));
  ExpectPieceSizes(pieces);
  EXPECT_EQ(Joined(pieces),
            "# HELP a " + std::string(150000, 'h') + "\n# TYPE a gauge\na 1\na" + longs +
                " 2\na 3\n# TYPE b histogram\nb_bucket" + inner + ",le=\"1\"} 1\nb_bucket" + inner +
                ",le=\"+Inf\"} 2\nb_sum" + longs + " 2\nb_count" + longs +
                " 2\nb_bucket{le=\"+Inf\"} 0\nb_sum 0\nb_count 0\n# TYPE c summary\nc" + inner +
                ",quantile=\"0.5\"} 1\nc_sum" + longs + " 2\nc_count" + longs +
                " 3\n# TYPE d gauge\nd{d=\"" + std::string(100000, 's') + "\"} 1\nd{d=\"t\"} 0\n");
}

// One point of far more lines than fit into a piece: it is cut between lines and goes on.
TEST(ExpositionStream, CutsAPointOfManyLinesBetweenThem) {
  std::vector<double> bounds;
  std::vector<uint64_t> counts;
  std::string expected = "# TYPE h histogram\n";
  for (int i = 0; i < 9999; ++i) {
    bounds.push_back(i);
    counts.push_back(2);
    expected +=
        "h_bucket{l=\"v\",le=\"" + std::to_string(i) + "\"} " + std::to_string(2 * (i + 1)) + "\n";
  }
  counts.push_back(5);
  expected += "h_bucket{l=\"v\",le=\"+Inf\"} 20003\nh_sum{l=\"v\"} 1.5\nh_count{l=\"v\"} 20003\n";
  Gathering g;
  AddFamily(&g, MetricType::kHistogram, "h", "",
            {FakePoint::Histogram(Label("v"), bounds, counts, 1.5)});
  const auto pieces = Pieces(std::move(g));
  ExpectPieceSizes(pieces);
  EXPECT_EQ(Joined(pieces), expected);
}

// Lengths around the size of a piece, where a mistake by one byte would show.
TEST(ExpositionStream, KeepsEveryByteWhereAPieceEnds) {
  for (size_t length = ExpositionStream::kMaxPieceBytes - 180;
       length < ExpositionStream::kMaxPieceBytes + 20; ++length) {
    const std::string label = Label(std::string(length, 'y'));
    Gathering g;
    AddFamily(&g, MetricType::kGauge, "a", "",
              {FakePoint::Integer(label, 1), FakePoint::Double("", 0.125)});
    const auto pieces = Pieces(std::move(g));
    ExpectPieceSizes(pieces);
    ASSERT_EQ(Joined(pieces), "# TYPE a gauge\na" + label + " 1\na 0.125\n");
  }
}

}  // namespace
}  // namespace promplug
