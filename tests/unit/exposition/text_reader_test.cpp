// SPDX-License-Identifier: MIT
#include "exposition/text_reader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace promplug {
namespace {

using Kind = TextLine::Kind;
using Defect = TextLine::Defect;

class TextReaderTest : public ::testing::Test {
 protected:
  // `line` must outlive the result.
  TextLine Read(std::string_view line) {
    TextLine read;
    EXPECT_EQ(reader_.Read(line, &read), "") << line;
    return read;
  }
  std::string Reason(std::string_view line) {
    TextLine read;
    return std::string(reader_.Read(line, &read));
  }

  TextLineReader reader_;
};

TEST_F(TextReaderTest, ReadsASampleWithLabels) {
  const TextLine line = Read(R"(http_requests_total{method="GET",path="/a\"\\\n"} 17)");
  EXPECT_EQ(line.kind, Kind::kSample);
  EXPECT_EQ(line.name, "http_requests_total");
  ASSERT_EQ(line.labels.size(), 2u);
  EXPECT_EQ(line.labels[0].name, "method");
  EXPECT_EQ(line.labels[0].value, "GET");
  EXPECT_EQ(line.labels[1].value, R"(/a\"\\\n)");
  EXPECT_EQ(line.value, "17");
  EXPECT_EQ(line.timestamp, "");
  EXPECT_EQ(line.defect, Defect::kNone);
}

TEST_F(TextReaderTest, TakesBlanksWhereThePushgatewayTakesThem) {
  const TextLine line = Read("\t m { a = \"b\" , }\t1  123 ");
  EXPECT_EQ(line.name, "m");
  ASSERT_EQ(line.labels.size(), 1u);
  EXPECT_EQ(line.labels[0].value, "b");
  EXPECT_EQ(line.value, "1");
  EXPECT_EQ(line.timestamp, "123");
  EXPECT_EQ(Read("m{}1").value, "1");
  EXPECT_EQ(Read("m\t1 ").value, "1");
}

TEST_F(TextReaderTest, ReadsTimestampsOfBothFormatsAndSkipsExemplars) {
  EXPECT_EQ(Read("m 1 -5").timestamp, "-5");
  EXPECT_EQ(Read("m 1 1520879607.789").timestamp, "1520879607.789");
  EXPECT_EQ(Read(R"(m 1 # {trace_id="x # y"} 0.5 1)").timestamp, "");
  EXPECT_EQ(Read(R"(m 1 12 # {} 0.5)").timestamp, "12");
}

TEST_F(TextReaderTest, ReadsComments) {
  EXPECT_EQ(Read("").kind, Kind::kNothing);
  EXPECT_EQ(Read(" \t").kind, Kind::kNothing);
  EXPECT_EQ(Read("#").kind, Kind::kNothing);
  EXPECT_EQ(Read("# just \xff text").kind, Kind::kNothing);
  EXPECT_EQ(Read("# UNIT m_seconds seconds").kind, Kind::kNothing);
  EXPECT_EQ(Read("# HELPER 9").kind, Kind::kNothing);
  EXPECT_EQ(Read("# HELP").kind, Kind::kNothing);
  EXPECT_EQ(Read("# HELP m").kind, Kind::kNothing);
  EXPECT_EQ(Read("# HELP m ").kind, Kind::kNothing);
  EXPECT_EQ(Read("# TYPE m ").kind, Kind::kNothing);
  EXPECT_EQ(Read("# EOF").kind, Kind::kEof);
  EXPECT_EQ(Read("# EOF x").kind, Kind::kNothing);
}

TEST_F(TextReaderTest, ReadsHelpAndType) {
  const TextLine help = Read("# HELP m_x:y  What it \\n is. ");
  EXPECT_EQ(help.kind, Kind::kHelp);
  EXPECT_EQ(help.name, "m_x:y");
  EXPECT_EQ(help.text, "What it \\n is. ");
  const TextLine type = Read("#TYPE\tm\tGauge ");
  EXPECT_EQ(type.kind, Kind::kType);
  EXPECT_EQ(type.name, "m");
  EXPECT_EQ(type.type, TextType::kGauge);
  const std::pair<const char*, TextType> types[] = {
      {"untyped", TextType::kUntyped},   {"counter", TextType::kCounter},
      {"summary", TextType::kSummary},   {"histogram", TextType::kHistogram},
      {"unknown", TextType::kUnknown},   {"info", TextType::kInfo},
      {"stateset", TextType::kStateset}, {"gaugehistogram", TextType::kGaugeHistogram}};
  for (const auto& [word, expected] : types) {
    EXPECT_EQ(Read("# TYPE m " + std::string(word)).type, expected) << word;
  }
}

TEST_F(TextReaderTest, NamesWhatIsWrongWithALine) {
  const std::pair<const char*, const char*> wrong[] = {
      {"9m 1", "invalid metric name"},
      {"m.x 1", "invalid metric name"},
      {"m-1", "invalid metric name"},
      {"\xEF\xBB\xBFm 1", "invalid metric name"},
      {"{\"m\"} 1", "invalid metric name"},
      {"<html>", "invalid metric name"},
      {"m", "expected a number as value"},
      {"m ", "expected a number as value"},
      {"m 1x", "expected a number as value"},
      {"m 0x1p3", "expected a number as value"},
      {"m 1_0", "expected a number as value"},
      {"m 1e400", "expected a number as value"},
      {"m{a=\"b\"}", "expected a number as value"},
      {"m 1 x", "expected a number as timestamp"},
      {"m 1 NaN", "expected a number as timestamp"},
      {"m 1 2 3", "unexpected text after the timestamp"},
      {"m 1 # no exemplar", "unexpected '#' after the value"},
      {"m 1\r", "the line ends with CR LF"},
      {"# TYPE m gauge\r", "the line ends with CR LF"},
      {"m{a=\"b\" 1", "expected ',' or '}' after a label value"},
      {"m{a=\"b\",", "labels have no closing '}'"},
      {"m{a=\"b} 1", "label value has no closing quote"},
      {"m{a=b} 1", "expected '\"' at the start of a label value"},
      {"m{a} 1", "expected '=' after a label name"},
      {"m{a-b=\"\"} 1", "expected '=' after a label name"},
      {"m{,} 1", "invalid label name"},
      {"m{a=\"b\",,c=\"d\"} 1", "invalid label name"},
      {"m{a:b=\"\"} 1", "expected '=' after a label name"},
      {"m{\"a\"=\"b\"} 1", "invalid label name"},
      {"m{a=\"\\q\"} 1", "invalid escape sequence in a label value"},
      {"m{a=\"\\", "invalid escape sequence in a label value"},
      {"# TYPE m gaugy", "unknown metric type"},
      {"# TYPE 9m gauge", "invalid metric name in a comment"},
      {"# HELP m.x text", "invalid metric name in a comment"},
      {"# HELP m\xC3\xB3 text", "invalid metric name in a comment"},
  };
  for (const auto& [line, reason] : wrong) EXPECT_EQ(Reason(line), reason) << line;
}

TEST_F(TextReaderTest, TellsWhySampleCannotBeTakenThoughItIsWellFormed) {
  EXPECT_EQ(Read("m{a=\"\xC5\xBC\"} 1").defect, Defect::kNone);
  EXPECT_EQ(Read("m{a=\"\xff\xfe\"} 1").defect, Defect::kNotUtf8);
  EXPECT_EQ(Read("m{a=\"\xC5\"} 1").defect, Defect::kNotUtf8);
  EXPECT_EQ(Read("m{a=\"1\",b=\"2\",a=\"1\"} 1").defect, Defect::kRepeatedLabel);
  EXPECT_EQ(Read("m{__name__=\"x\"} 1").defect, Defect::kReservedLabel);
  EXPECT_EQ(Read("m{__x=\"1\"} 1").defect, Defect::kReservedLabel);
  EXPECT_EQ(Read("m{_x=\"1\"} 1").defect, Defect::kNone);
}

TEST_F(TextReaderTest, BoundsTheNumberOfLabels) {
  std::string line = "m{";
  for (size_t i = 0; i < TextLineReader::kMaxLabels; ++i) {
    line += "l" + std::to_string(i) + "=\"\",";
  }
  EXPECT_EQ(Read(line + "} 1").defect, Defect::kNone);
  const std::string more = line + "more=\"\"} 1";
  const TextLine read = Read(more);
  EXPECT_EQ(read.defect, Defect::kTooManyLabels);
  EXPECT_EQ(read.labels.size(), TextLineReader::kMaxLabels);
}

TEST(TextLineSplitterTest, PutsLinesTogetherFromPiecesOfAnySize) {
  const std::string text = "one\n\ntwo three\nfour\n";
  for (size_t size = 1; size <= text.size(); ++size) {
    TextLineSplitter splitter;
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size(); at += size) {
      const auto end =
          splitter.Feed(std::string_view(text).substr(at, size), [&](auto line, auto*) {
            lines.emplace_back(line);
            return true;
          });
      EXPECT_EQ(end, TextLineSplitter::End::kTaken);
    }
    EXPECT_THAT(lines, ::testing::ElementsAre("one", "", "two three", "four")) << size;
    EXPECT_TRUE(splitter.at_line_start());
  }
}

TEST(TextLineSplitterTest, KnowsAnUnfinishedLine) {
  TextLineSplitter splitter;
  (void)splitter.Feed("a\nb", [](auto, auto*) { return true; });
  EXPECT_FALSE(splitter.at_line_start());
  (void)splitter.Feed("\n", [](auto, auto*) { return true; });
  EXPECT_TRUE(splitter.at_line_start());
}

TEST(TextLineSplitterTest, LeavesOutTheLinesThatTheCalleeTook) {
  TextLineSplitter splitter;
  std::vector<std::string> lines;
  const auto take = [&](std::string_view line, std::string_view* rest) {
    lines.emplace_back(line);
    if (rest->starts_with("own\n")) rest->remove_prefix(4);
    return true;
  };
  EXPECT_EQ(splitter.Feed("a\nown\nb\nc", take), TextLineSplitter::End::kTaken);
  EXPECT_EQ(splitter.Feed("d\nown\nown\n", take), TextLineSplitter::End::kTaken);
  EXPECT_THAT(lines, ::testing::ElementsAre("a", "b", "cd", "own"));
  EXPECT_TRUE(splitter.at_line_start());
}

TEST(TextLineSplitterTest, StopsWhenTold) {
  TextLineSplitter splitter;
  int lines = 0;
  const auto end = splitter.Feed("a\nb\nc\n", [&](auto, auto*) { return ++lines < 2; });
  EXPECT_EQ(end, TextLineSplitter::End::kStopped);
  EXPECT_EQ(lines, 2);
}

TEST(TextLineSplitterTest, RefusesALineThatIsTooLongHoweverItComes) {
  const std::string longest(TextLineSplitter::kMaxLineBytes, 'x');
  const auto any = [](auto, auto*) { return true; };
  EXPECT_EQ(TextLineSplitter().Feed(longest + "\n", any), TextLineSplitter::End::kTaken);
  EXPECT_EQ(TextLineSplitter().Feed(longest + "x\n", any), TextLineSplitter::End::kTooLong);
  EXPECT_EQ(TextLineSplitter().Feed(longest + "x", any), TextLineSplitter::End::kTooLong);
  TextLineSplitter splitter;
  EXPECT_EQ(splitter.Feed(longest, any), TextLineSplitter::End::kTaken);
  EXPECT_EQ(splitter.Feed("x", any), TextLineSplitter::End::kTooLong);
}

}  // namespace
}  // namespace promplug
