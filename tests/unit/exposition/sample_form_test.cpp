// SPDX-License-Identifier: MIT
// Lines that are read by comparing them with the line before.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "exposition/text_reader.hpp"

namespace promplug {
namespace {

constexpr std::string_view kMore = "# and more text follows\n";

// Reads `first`, then `second` as a line like it.
struct Alike {
  Alike(std::string_view first, const std::string& second) : text(second + "\n") {
    text += kMore;
    TextLine line;
    EXPECT_EQ(reader.Read(first, &line), "") << first;
    length = reader.ReadAlike(text, &read);
  }

  TextLineReader reader;
  std::string text;
  TextLine read;
  size_t length = 0;
};

TEST(SampleFormTest, ReadsALineThatDiffersInValues) {
  const std::string line =
      R"(node_lnstat_total{cpu="17",subsystem="a much longer one",x=""} 1.5e-05)";
  const Alike alike(R"(node_lnstat_total{cpu="0",subsystem="rt_cache",x="y"} 0)", line);
  ASSERT_EQ(alike.length, line.size());
  EXPECT_EQ(alike.read.kind, TextLine::Kind::kSample);
  EXPECT_EQ(alike.read.name, "node_lnstat_total");
  EXPECT_EQ(alike.read.name.data(), alike.text.data());
  ASSERT_EQ(alike.read.labels.size(), 3u);
  EXPECT_EQ(alike.read.labels[0].name, "cpu");
  EXPECT_EQ(alike.read.labels[0].value, "17");
  EXPECT_EQ(alike.read.labels[1].name, "subsystem");
  EXPECT_EQ(alike.read.labels[1].value, "a much longer one");
  EXPECT_EQ(alike.read.labels[2].value, "");
  EXPECT_EQ(alike.read.value, "1.5e-05");
  EXPECT_EQ(alike.read.timestamp, "");
  EXPECT_EQ(alike.read.defect, TextLine::Defect::kNone);
}

TEST(SampleFormTest, ReadsAnyBlanksThatAreThoseOfTheLineBefore) {
  EXPECT_EQ(Alike("m { a = \"b\" , }\t1", "m { a = \"c\" , }\t23").length, 18u);
  EXPECT_EQ(Alike("m{a=\"b\"}1", "m{a=\"c\"}2").length, 9u);
}

TEST(SampleFormTest, LeavesWhatIsOfAnotherFormToRead) {
  const char* const first = R"(m_total{a="b",c="d"} 1)";
  for (const char* const other :
       {R"(m_totaL{a="b",c="d"} 1)", R"(m_total{a="b"} 1)", R"(m_total{a="b",e="d"} 1)",
        R"(m_total{a="b",c="d",e="f"} 1)", R"(m_total{a="b", c="d"} 1)",
        R"(m_total{a="b",c="d"}  1)", R"(m_total{a="\n",c="d"} 1)",
        "m_total{a=\"\xc3\xa9\",c=\"d\"} 1", R"(m_total{a="b",c="d} 1)", R"(m_total{a="b",c="d"} )",
        R"(m_total{a="b",c="d"} x)", R"(m_total{a="b",c="d"} 1 )", R"(m_total{a="b",c="d"} 1 1234)",
        "m_total{a=\"b\",c=\"d\"} 1\r", R"( m_total{a="b",c="d"} 1)", "# HELP m_total M.", "",
        "m_total{a=\"b\nb\",c=\"d\"} 1"}) {
    EXPECT_EQ(Alike(first, other).length, 0u) << other;
  }
}

TEST(SampleFormTest, HasNoFormAfterALineThatIsNoUsualSample) {
  const std::string labels(600, 'n');
  for (const std::string& first :
       {std::string("m 1"), std::string("m{} 1"), std::string("# HELP m M."), std::string(),
        std::string(" m{a=\"b\"} 1"), std::string("m{a=\"b\"} 1 "),
        std::string("m{a=\"b\"} 1 1234"), std::string("m{a=\"b\",a=\"b\"} 1"),
        std::string("m{__a=\"b\"} 1"), "m{" + labels + "=\"\"} 1",
        std::string(R"(m{a="",b="",c="",d="",e="",f="",g="",h="",i=""} 1)")}) {
    EXPECT_EQ(Alike(first, first).length, 0u) << first;
  }
  const char* const most = R"(m{a="",b="",c="",d="",e="",f="",g="",h=""} 1)";
  EXPECT_NE(Alike(most, most).length, 0u);
}

TEST(SampleFormTest, HasNoFormAfterALineThatIsInvalid) {
  TextLineReader reader;
  TextLine line;
  EXPECT_EQ(reader.Read("m{a=\"b\"} 1", &line), "");
  EXPECT_NE(reader.Read("m{a=\"b\"} x", &line), "");
  EXPECT_EQ(reader.ReadAlike("m{a=\"b\"} 1\n# and more text follows\n", &line), 0u);
}

TEST(SampleFormTest, ReadsNothingBehindTheText) {
  TextLineReader reader;
  TextLine line;
  ASSERT_EQ(reader.Read("m{a=\"b\"} 1", &line), "");
  const std::string text = "m{a=\"c\"} 2\n" + std::string(kMore);
  bool was_read = false;
  for (size_t size = 0; size <= text.size(); ++size) {
    const std::vector<char> exactly(text.begin(), text.begin() + static_cast<ptrdiff_t>(size));
    const size_t length = reader.ReadAlike({exactly.data(), size}, &line);
    EXPECT_TRUE(length == 0 || (length == 10 && size > length)) << size;
    was_read = length != 0;
  }
  EXPECT_TRUE(was_read);
}

bool AreSame(const TextLabel& a, const TextLabel& b) {
  return a.name.data() == b.name.data() && a.name.size() == b.name.size() &&
         a.value.data() == b.value.data() && a.value.size() == b.value.size();
}

TEST(SampleFormTest, SaysOfAnyLineWhatReadSaysIfItTakesIt) {
  const std::string first = R"(node_x_total{cpu="12",device="/dev/sda 1",mode="a"} 0.25)";
  std::mt19937 random(11);  // any number, but the same at each run
  const auto below = [&](size_t n) { return random() % n; };
  int taken = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string changed = first;
    for (size_t changes = 1 + below(3); changes > 0; --changes) {
      constexpr std::string_view kBytes = "a0 \"{}=,\\\n.e-_\t\xc3\xa9#";
      const size_t at = below(changed.size());
      if (below(2) == 0) {
        changed[at] = kBytes[below(kBytes.size())];
      } else {
        changed.insert(at, 1, kBytes[below(kBytes.size())]);
      }
    }
    const Alike alike(first, changed);
    if (alike.length == 0) continue;
    ++taken;
    const std::string_view line = std::string_view(alike.text).substr(0, alike.text.find('\n'));
    ASSERT_EQ(alike.length, line.size()) << changed;
    TextLineReader reader;
    TextLine read;
    ASSERT_EQ(reader.Read(line, &read), "") << changed;
    EXPECT_EQ(read.kind, alike.read.kind);
    EXPECT_EQ(read.name, alike.read.name);
    EXPECT_EQ(read.value, alike.read.value) << changed;
    EXPECT_EQ(read.timestamp, alike.read.timestamp);
    EXPECT_EQ(read.defect, alike.read.defect) << changed;
    EXPECT_TRUE(std::equal(read.labels.begin(), read.labels.end(), alike.read.labels.begin(),
                           alike.read.labels.end(), AreSame))
        << changed;
  }
  EXPECT_GT(taken, 1000);
}

}  // namespace
}  // namespace promplug
