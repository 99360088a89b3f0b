// SPDX-License-Identifier: MIT
#include "exposition/text_encoder.hpp"

#include <gtest/gtest.h>

#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <locale>
#include <string>

#include "exposition/stream.hpp"
#include "unit/exposition/sample_gathering.hpp"

namespace promplug {
namespace {

using testing::AddFamily;
using testing::FakePoint;

std::string Encoded(Gathering gathering, Timestamps timestamps = Timestamps::kKeep) {
  const auto stream = NewExpositionStream(std::move(gathering), Format::kText004, timestamps);
  std::string all;
  for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) all += piece;
  return all;
}

std::string Golden() {
  std::ifstream file(PROMPLUG_TEST_DATA "/exposition_text_004.txt", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

Gathering One(MetricType type, std::string_view name, std::vector<FakePoint> points) {
  Gathering g;
  AddFamily(&g, type, name, "", std::move(points));
  return g;
}

TEST(TextEncoder, WritesEveryTypeAsTheGoldenFileSays) {
  EXPECT_EQ(Encoded(testing::SampleGathering()), Golden());
}

TEST(TextEncoder, CopiesLabelsOfEveryLength) {
  for (size_t bytes = 1; bytes <= 130; ++bytes) {
    std::string value;
    for (size_t i = 0; i < bytes; ++i)
      value.push_back(static_cast<char>('a' + (i * 7 + bytes) % 26));
    const std::string labels = "{l=\"" + value + "\"}";
    FakePoint point;
    point.labels = labels;
    EXPECT_EQ(Encoded(One(MetricType::kGauge, "g", {point, point})),
              "# TYPE g gauge\ng" + labels + " 0\ng" + labels + " 0\n");
  }
}

// A locale with a comma, made here since a machine need not have any.
class CommaLocale {
 public:
  CommaLocale() {
    std::string folder = std::filesystem::temp_directory_path() / "promplug_locale_XXXXXX";
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::ofstream(folder_ / "source")
        << "LC_NUMERIC\ndecimal_point \",\"\nthousands_sep \".\"\ngrouping 3;3\nEND LC_NUMERIC\n";
    std::ofstream(folder_ / "charmap") << "<code_set_name> TINY\n<mb_cur_min> 1\n<mb_cur_max> 1\n"
                                          "<comment_char> %\n<escape_char> /\nCHARMAP\n"
                                          "<U0000>..<U007F> /x00 NULL\nEND CHARMAP\n";
    const std::string path = folder_.string() + "/";
    const std::string command = "localedef -c --no-archive -f " + path + "charmap -i " + path +
                                "source " + path + "comma >/dev/null 2>&1";
    // It says 1 for the categories that the source leaves out.
    EXPECT_NE(std::system(command.c_str()), -1);
    setenv("LOCPATH", folder_.c_str(), 1);
    EXPECT_NE(setlocale(LC_NUMERIC, "comma"), nullptr);
    before_ = std::locale::global(std::locale(std::locale::classic(), new Comma));
    // Setting a nameless global locale leaves the C locale alone.
    EXPECT_NE(setlocale(LC_NUMERIC, "comma"), nullptr);
  }
  ~CommaLocale() {
    std::locale::global(before_);
    setlocale(LC_NUMERIC, "C");
    unsetenv("LOCPATH");
    std::filesystem::remove_all(folder_);
  }

 private:
  struct Comma : std::numpunct<char> {
    char do_decimal_point() const override { return ','; }
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };

  std::filesystem::path folder_;
  std::locale before_;
};

TEST(TextEncoder, WritesTheSameUnderALocaleWithADecimalComma) {
  const CommaLocale locale;
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f", 1.5);
  ASSERT_STREQ(text, "1,50") << "the locale is without effect, so the test would be";
  EXPECT_EQ(Encoded(testing::SampleGathering()), Golden());
}

TEST(TextEncoder, WritesNothingForNoFamilies) { EXPECT_EQ(Encoded({}), ""); }

TEST(TextEncoder, WritesNoHeadForAFamilyWithoutPoints) {
  EXPECT_EQ(Encoded(One(MetricType::kCounter, "a_total", {})), "");
}

TEST(TextEncoder, SeesOtherBoundsThatAreAtTheSameAddress) {
  // Two series whose source uses the same memory for their bounds.
  class SameMemory final : public PointSource {
   public:
    size_t Next(Point* out, size_t) override {
      if (step_ == 3) return 0;
      bound_ = step_ < 2 ? 1 : 2;
      out[0] = Point();
      out[0].bounds = &bound_;
      out[0].n_bounds = 1;
      out[0].counts = counts_;
      ++step_;
      return 1;
    }

   private:
    int step_ = 0;
    double bound_ = 0;
    const uint64_t counts_[2] = {1, 2};
  };
  Gathering g;
  AddFamily(&g, MetricType::kHistogram, "h", "", std::make_unique<SameMemory>());
  const std::string lines1 = "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 0\nh_count 3\n";
  const std::string lines2 = "h_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 3\nh_sum 0\nh_count 3\n";
  EXPECT_EQ(Encoded(std::move(g)), "# TYPE h histogram\n" + lines1 + lines1 + lines2);
}

TEST(TextEncoder, SeesThatAnotherFamilyHasFewerBoundsOrNone) {
  Gathering g;
  AddFamily(&g, MetricType::kHistogram, "a", "", {FakePoint::Histogram("", {1, 2}, {1, 1, 1}, 3)});
  AddFamily(&g, MetricType::kHistogram, "b", "", {FakePoint::Histogram("", {1}, {1, 1}, 3)});
  AddFamily(&g, MetricType::kHistogram, "c", "", {FakePoint::Histogram("", {}, {4}, 3)});
  EXPECT_EQ(
      Encoded(std::move(g)),
      "# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"2\"} 2\n"
      "a_bucket{le=\"+Inf\"} 3\na_sum 3\na_count 3\n"
      "# TYPE b histogram\nb_bucket{le=\"1\"} 1\nb_bucket{le=\"+Inf\"} 2\nb_sum 3\nb_count 2\n"
      "# TYPE c histogram\nc_bucket{le=\"+Inf\"} 4\nc_sum 3\nc_count 4\n");
}

TEST(TextEncoder, KeepsTheLongestNumbersWhole) {
  const double longest = -2.2250738585072014e-308;
  EXPECT_EQ(Encoded(One(MetricType::kSummary, "s",
                        {FakePoint::Summary("{a=\"b\"}", {longest}, {longest}, longest,
                                            18446744073709551615U)
                             .At(std::numeric_limits<int64_t>::min())})),
            "# TYPE s summary\n"
            "s{a=\"b\",quantile=\"-2.2250738585072014e-308\"} -2.2250738585072014e-308 "
            "-9223372036854775808\n"
            "s_sum{a=\"b\"} -2.2250738585072014e-308 -9223372036854775808\n"
            "s_count{a=\"b\"} 18446744073709551615 -9223372036854775808\n");
}

TEST(TextEncoder, LeavesPointsWithATimestampOutOfAPush) {
  Gathering g;
  AddFamily(&g, MetricType::kGauge, "a", "", {FakePoint::Integer("", 1).At(5)});
  AddFamily(&g, MetricType::kGauge, "b", "",
            {FakePoint::Integer("{n=\"1\"}", 1).At(5), FakePoint::Integer("{n=\"2\"}", 2),
             FakePoint::Integer("{n=\"3\"}", 3).At(5), FakePoint::Integer("{n=\"4\"}", 4)});
  EXPECT_EQ(Encoded(std::move(g), Timestamps::kLeaveOut),
            "# TYPE b gauge\nb{n=\"2\"} 2\nb{n=\"4\"} 4\n");
}

}  // namespace
}  // namespace promplug
