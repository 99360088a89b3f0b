// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "exposition/stream.hpp"
#include "support/fake_gathering.hpp"

namespace promplug::testing {

inline std::string Hex(std::string_view text) {
  std::string hex(text.empty() ? "-" : "");
  char digits[3];
  for (const char c : text) {
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned>(c) & 0xff);
    hex += digits;
  }
  return hex;
}

inline std::string Bits(double v) {
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(std::bit_cast<uint64_t>(v)));
  return text;
}

using Labels = std::vector<std::pair<std::string, std::string>>;

inline std::string Rendered(const Labels& labels) {
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
class RandomFamilies {
 public:
  RandomFamilies(uint64_t seed, Format format)
      : random_(seed), open_metrics_(format == Format::kOpenMetrics) {}

  void AddFamily(int number) {
    static constexpr MetricType kTypes[] = {MetricType::kCounter,  MetricType::kGauge,
                                            MetricType::kUntyped,  MetricType::kHistogram,
                                            MetricType::kSummary,  MetricType::kInfo,
                                            MetricType::kStateset, MetricType::kGaugeHistogram};
    type_ = kTypes[Below(std::size(kTypes))];
    name_ = "family_" + std::to_string(number) + (Below(4) == 0 ? "_X9" : "");
    unit_ = Below(3) == 0 ? "seconds" : "";
    if (!unit_.empty() && Below(4) != 0) name_ += "_seconds";
    // The reader of the text format gives every counter its _total.
    const bool must = type_ == MetricType::kCounter && !open_metrics_;
    const bool suffixed = Below(3) != 0 || must;
    std::string source_name = name_;
    if (type_ == MetricType::kCounter && suffixed) source_name += "_total";
    if (type_ == MetricType::kInfo && suffixed) source_name += "_info";
    if (!open_metrics_ && type_ == MetricType::kCounter) name_ = source_name;
    if (!open_metrics_ && type_ == MetricType::kInfo) name_ += "_info";
    // The reader of the text format takes spaces off both ends.
    const std::string help = Below(5) == 0 ? "" : "h" + Text() + "h";
    ExpectHead(help);

    bounds_ = Ascending(static_cast<double>(Below(5)) - 2, 1000000);
    quantiles_ = Ascending(0, 1000);
    for (double& quantile : quantiles_) quantile /= 1e8;
    std::vector<FakePoint> points;
    for (size_t n = 1 + Below(9), i = 0; i < n; ++i) points.push_back(RandomPoint(i));
    testing::AddFamily(&gathering_, type_, source_name, help, std::move(points));
    if (!unit_.empty()) gathering_.families.back().head.unit = "seconds";
  }

  // Valid while this lives.
  Gathering TakeGathering() { return std::move(gathering_); }
  const std::string& expected() const { return expected_; }

 private:
  void ExpectHead(const std::string& help) {
    static constexpr const char* kText[] = {"counter", "gauge", "histogram", "summary",
                                            "untyped", "gauge", "gauge",     "histogram"};
    static constexpr const char* kOpenMetrics[] = {"counter",  "gauge",         "histogram",
                                                   "summary",  "unknown",       "info",
                                                   "stateset", "gaugehistogram"};
    const auto type = static_cast<size_t>(type_) - 1;
    const bool has_unit = open_metrics_ && name_.ends_with("_seconds") &&
                          type_ != MetricType::kInfo && type_ != MetricType::kStateset;
    expected_ += std::string("F ") + (open_metrics_ ? kOpenMetrics : kText)[type] + " " +
                 Hex(name_) + " " + Hex(help) + " " + Hex(has_unit ? unit_ : "") + "\n";
  }

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

  std::vector<double> Ascending(double at, uint64_t step) {
    std::vector<double> numbers;
    for (size_t n = Below(6); n > 0; --n) {
      at += static_cast<double>(1 + Below(step)) / static_cast<double>(1 + Below(1000));
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
    // All of an info family are one group, of which none or all have one.
    const bool at = Below(4) == 0 && type_ != MetricType::kInfo;
    timestamp_ = at ? std::to_string(Below(2000000000000)) : "-";
    created_ = Below(2) == 0 ? 0 : static_cast<int64_t>(1 + Below(2000000000000));
    FakePoint point = TypedPoint(Rendered(labels_)).CreatedAt(created_);
    if (!at) return point;
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
    if (type_ == MetricType::kInfo) {
      Expect(open_metrics_ ? "_info" : "", 1);
      return FakePoint::Integer(rendered, 1);
    }
    if (type_ == MetricType::kCounter) return RandomCounter(rendered);
    if (Below(2) == 0) {
      const uint64_t value = random_() >> Below(64);
      Expect("", static_cast<double>(value));
      return FakePoint::Integer(rendered, value);
    }
    const double value = Number();
    Expect("", value);
    return FakePoint::Double(rendered, value);
  }

  FakePoint RandomCounter(const std::string& rendered) {
    const char* suffix = open_metrics_ ? "_total" : "";
    const double value = std::fabs(Number());
    const bool whole = Below(2) == 0 || std::isnan(value);
    const uint64_t count = random_() >> Below(64);
    Expect(suffix, whole ? static_cast<double>(count) : value);
    std::vector<Exemplar> exemplars;
    if (Below(3) == 0) exemplars.push_back(RandomExemplar(0));
    ExpectCreated();
    FakePoint point =
        whole ? FakePoint::Integer(rendered, count) : FakePoint::Double(rendered, value);
    return std::move(point).WithExemplars(std::move(exemplars));
  }

  // Of the line that was expected last.
  Exemplar RandomExemplar(double value) {
    Exemplar exemplar;
    exemplar.value = value;
    exemplar.unix_ms = static_cast<int64_t>(1 + Below(2000000000000));
    // The reader does not know a brace within a value.
    const Labels labels = {{"trace", "a, \"b\" \\\n # \xc3\xbc " + std::to_string(random_())}};
    texts_.push_back(Rendered(labels));
    exemplar.labels = texts_.back();
    if (open_metrics_) {
      expected_.pop_back();
      expected_ += " # " + Bits(value) + " " + std::to_string(exemplar.unix_ms) + " " +
                   Hex(labels[0].first) + "=" + Hex(labels[0].second) + "\n";
    }
    return exemplar;
  }

  FakePoint RandomHistogram(const std::string& rendered) {
    if (Below(4) == 0) bounds_ = Ascending(static_cast<double>(Below(5)) - 2, 1000000);
    std::vector<uint64_t> counts;
    std::vector<Exemplar> exemplars(Below(2) == 0 ? bounds_.size() + 1 : 0);
    uint64_t total = 0;
    for (size_t i = 0; i <= bounds_.size(); ++i) {
      counts.push_back(Below(1000));
      total += counts.back();
      const bool last = i == bounds_.size();
      Expect("_bucket", static_cast<double>(total), "le", last ? "+Inf" : Written(bounds_[i]));
      if (!exemplars.empty() && Below(2) == 0) {
        exemplars[i] = RandomExemplar(last ? 1e300 : bounds_[i]);
      }
    }
    const double sum = Number();
    const bool has_sum = Below(5) != 0;
    const bool gauge = type_ == MetricType::kGaugeHistogram;
    const bool says_sum = has_sum && (!open_metrics_ || SumIsAllowed(sum, gauge));
    if (says_sum) Expect(open_metrics_ && gauge ? "_gsum" : "_sum", sum);
    if (says_sum || !open_metrics_) {
      Expect(open_metrics_ && gauge ? "_gcount" : "_count", static_cast<double>(total));
    }
    if (!gauge) ExpectCreated();
    FakePoint point = FakePoint::Histogram(rendered, bounds_, counts, sum);
    point = std::move(point).WithExemplars(std::move(exemplars));
    return has_sum ? point : std::move(point).WithoutSum();
  }

  bool SumIsAllowed(double sum, bool gauge) const {
    const bool negative_bounds = !bounds_.empty() && bounds_[0] < 0;
    if (std::isnan(sum)) return false;
    return negative_bounds ? gauge : sum >= 0;
  }

  FakePoint RandomSummary(const std::string& rendered) {
    std::vector<double> values;
    for (const double quantile : quantiles_) {
      values.push_back(Number());
      if (open_metrics_ && values.back() < 0) continue;
      Expect("", values.back(), "quantile", Written(quantile));
    }
    const double sum = Number();
    const uint64_t count = Below(1000000);
    if (!open_metrics_ || sum >= 0) Expect("_sum", sum);
    Expect("_count", static_cast<double>(count));
    ExpectCreated();
    return FakePoint::Summary(rendered, quantiles_, values, sum, count);
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

  void ExpectCreated() {
    if (open_metrics_ && created_ != 0) Expect("_created", static_cast<double>(created_) / 1000);
  }

  std::mt19937_64 random_;
  const bool open_metrics_;
  Gathering gathering_;
  std::string expected_;
  MetricType type_ = MetricType::kGauge;
  std::string name_;  // above the lines
  std::string unit_;
  std::vector<double> bounds_;
  std::vector<double> quantiles_;
  int64_t created_ = 0;
  std::deque<std::string> texts_;  // of exemplars
  Labels labels_;
  std::string timestamp_;
};

}  // namespace promplug::testing
