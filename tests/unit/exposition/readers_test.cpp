// SPDX-License-Identifier: MIT
// What the encoder writes of random families, read back by readers that are not ours.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "exposition/stream.hpp"
#include "support/fake_gathering.hpp"

namespace promplug {
namespace {

using testing::FakePoint;

std::string Hex(std::string_view text) {
  std::string hex;
  char digits[3];
  for (const char c : text) {
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned>(c) & 0xff);
    hex += digits;
  }
  return hex;
}

std::string Bits(double v) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(std::bit_cast<uint64_t>(v)));
  return text;
}

using Labels = std::vector<std::pair<std::string, std::string>>;

std::string Rendered(const Labels& labels) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += (text.empty() ? "{" : ",") + name + "=\"";
    for (const char c : value) {
      if (c == '\\' || c == '"') text += '\\';
      c == '\n' ? text += "\\n" : text += c;
    }
    text += '"';
  }
  return text.empty() ? text : text + "}";
}

// Makes families and, on its own, what a reader must find in them.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  void AddFamily(int number) {
    static constexpr MetricType kTypes[] = {MetricType::kCounter,  MetricType::kGauge,
                                            MetricType::kUntyped,  MetricType::kHistogram,
                                            MetricType::kSummary,  MetricType::kInfo,
                                            MetricType::kStateset, MetricType::kGaugeHistogram};
    static constexpr const char* kShown[] = {"counter", "gauge", "untyped", "histogram",
                                             "summary", "gauge", "gauge",   "histogram"};
    const size_t kind = Below(std::size(kTypes));
    type_ = kTypes[kind];
    name_ = "family_" + std::to_string(number) + (Below(4) == 0 ? "_X9" : "");
    if (type_ == MetricType::kCounter) name_ += "_total";
    const std::string source_name = name_;
    if (type_ == MetricType::kInfo) name_ += "_info";
    // The reader takes spaces off both ends.
    const std::string help = Below(5) == 0 ? "" : "h" + Text() + "h";
    expected_ += std::string("F ") + kShown[kind] + " " + Hex(name_) + " " + Hex(help) + "\n";

    bounds_ = Ascending();
    std::vector<FakePoint> points;
    for (size_t n = 1 + Below(9), i = 0; i < n; ++i) points.push_back(RandomPoint(i));
    testing::AddFamily(&gathering_, type_, source_name, help, std::move(points));
  }

  Gathering TakeGathering() { return std::move(gathering_); }
  const std::string& expected() const { return expected_; }

 private:
  size_t Below(size_t n) { return random_() % n; }

  // Any bytes that are UTF-8 and, being text, have no NUL.
  std::string Text() {
    static constexpr const char* kParts[] = {"\\",
                                             "\"",
                                             "\n",
                                             "\\n",
                                             "{",
                                             "}",
                                             ",",
                                             "=",
                                             "#",
                                             " ",
                                             "\t",
                                             "a",
                                             "Z9",
                                             "\xc3\xbc",
                                             "'",
                                             "\x01",
                                             "\x7f",
                                             "\xe2\x82\xac",
                                             "\xf0\x9f\x98\x80",
                                             "le=\"1\""};
    std::string text;
    for (size_t n = Below(8); n > 0; --n) text += kParts[Below(std::size(kParts))];
    return text;
  }

  double Number() {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    switch (Below(8)) {
      case 0: {
        static const double kSpecial[] = {0.0,
                                          -0.0,
                                          kInf,
                                          -kInf,
                                          1e300,
                                          5e-324,
                                          9007199254740993.0,
                                          std::numeric_limits<double>::quiet_NaN()};
        return kSpecial[Below(std::size(kSpecial))];
      }
      case 1:
        return static_cast<double>(random_());
      case 2:
        return std::bit_cast<double>(random_());
      case 3:
        return static_cast<double>(Below(1000000)) / 1000;
      case 4:
        return -static_cast<double>(Below(100000));
      default:
        return static_cast<double>(random_()) / static_cast<double>(random_() | 1);
    }
  }

  std::vector<double> Ascending() {
    std::vector<double> numbers;
    double at = static_cast<double>(Below(5)) - 2;
    for (size_t n = Below(6); n > 0; --n) {
      at += static_cast<double>(1 + Below(1000000)) / static_cast<double>(1 + Below(1000));
      numbers.push_back(at);
    }
    return numbers;
  }

  FakePoint RandomPoint(size_t index) {
    labels_.clear();
    for (size_t n = Below(4), i = 0; i < n; ++i) {
      labels_.emplace_back("label_" + std::to_string(i), Text());
    }
    labels_.emplace_back("index", std::to_string(index));
    timestamp_ = Below(4) == 0 ? std::to_string(Below(2000000000000)) : "-";
    FakePoint point = TypedPoint(Rendered(labels_));
    if (timestamp_ == "-") return point;
    return std::move(point).At(std::stoll(timestamp_));
  }

  FakePoint TypedPoint(const std::string& rendered) {
    switch (type_) {
      case MetricType::kHistogram:
      case MetricType::kGaugeHistogram:
        return RandomHistogram(rendered);
      case MetricType::kSummary:
        return RandomSummary(rendered);
      case MetricType::kStateset:
        return RandomStateset(rendered);
      default:
        break;
    }
    if (Below(2) == 0) {
      const uint64_t value = random_() >> Below(64);
      Expect("", static_cast<double>(value));
      return FakePoint::Integer(rendered, value);
    }
    const double value = Number();
    Expect("", value);
    return FakePoint::Double(rendered, value);
  }

  FakePoint RandomHistogram(const std::string& rendered) {
    if (Below(4) == 0) bounds_ = Ascending();
    std::vector<uint64_t> counts;
    uint64_t total = 0;
    for (size_t i = 0; i <= bounds_.size(); ++i) {
      counts.push_back(Below(1000));
      total += counts.back();
      const bool last = i == bounds_.size();
      Expect("_bucket", static_cast<double>(total), "le", last ? "+Inf" : Written(bounds_[i]));
    }
    const double sum = Number();
    const bool has_sum = Below(5) != 0;
    if (has_sum) Expect("_sum", sum);
    Expect("_count", static_cast<double>(total));
    FakePoint point = FakePoint::Histogram(rendered, bounds_, counts, sum);
    return has_sum ? point : std::move(point).WithoutSum();
  }

  FakePoint RandomSummary(const std::string& rendered) {
    std::vector<double> values;
    for (const double quantile : bounds_) {
      values.push_back(Number());
      Expect("", values.back(), "quantile", Written(quantile));
    }
    const double sum = Number();
    const uint64_t count = Below(1000000);
    Expect("_sum", sum);
    Expect("_count", static_cast<double>(count));
    return FakePoint::Summary(rendered, bounds_, values, sum, count);
  }

  FakePoint RandomStateset(const std::string& rendered) {
    std::vector<std::string> states;
    const uint64_t on = random_();
    for (size_t n = 1 + Below(64), i = 0; i < n; ++i) {
      states.push_back(std::to_string(i) + Text());
      Expect("", static_cast<double>((on >> i) & 1), name_, states.back());
    }
    return FakePoint::Stateset(rendered, states, on);
  }

  static std::string Written(double v) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.17g", v);
    return text;
  }

  void Expect(const std::string& suffix, double value, const std::string& label = "",
              const std::string& label_value = "") {
    expected_ += "S " + Hex(name_ + suffix) + " " + Bits(value) + " " + timestamp_;
    for (const auto& [name, text] : labels_) expected_ += " " + Hex(name) + "=" + Hex(text);
    if (!label.empty()) expected_ += " " + Hex(label) + "=" + Hex(label_value);
    expected_ += "\n";
  }

  std::mt19937_64 random_;
  Gathering gathering_;
  std::string expected_;
  MetricType type_ = MetricType::kGauge;
  std::string name_;
  std::vector<double> bounds_;
  Labels labels_;
  std::string timestamp_;
};

class Readers : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = std::filesystem::temp_directory_path() / "promplug_readers_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    Generator generator(20240229);
    for (int i = 0; i < 400; ++i) generator.AddFamily(i);
    std::ofstream exposition(Path("exposition"), std::ios::binary);
    const auto stream =
        NewExpositionStream(generator.TakeGathering(), Format::kText004, Timestamps::kKeep);
    for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) exposition << piece;
    std::ofstream(Path("expected"), std::ios::binary) << generator.expected();
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Path(const char* name) const { return (folder_ / name).string(); }

  // The exit code; *said is what the command wrote.
  int Run(const std::string& command, std::string* said) const {
    const int status = std::system((command + " >" + Path("said") + " 2>&1").c_str());
    std::ifstream file(Path("said"));
    *said = {std::istreambuf_iterator<char>(file), {}};
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::filesystem::path folder_;
};

TEST_F(Readers, PythonClientFindsExactlyWhatWentIn) {
  const std::string script = PROMPLUG_TEST_DATA "/../unit/exposition/read_text_004.py";
  std::string said;
  EXPECT_EQ(Run("/usr/bin/python3 '" + script + "' " + Path("exposition") + " " + Path("expected"),
                &said),
            0)
      << said;
}

TEST_F(Readers, PromtoolTakesItsSyntax) {
  constexpr int kOnlyStyleIsWrong = 3;
  std::string said;
  const int code = Run("promtool check metrics <" + Path("exposition"), &said);
  EXPECT_TRUE(code == 0 || code == kOnlyStyleIsWrong) << code << " " << said.substr(0, 1000);
  EXPECT_EQ(said.find("error while linting"), std::string::npos) << said.substr(0, 1000);
}

}  // namespace
}  // namespace promplug
