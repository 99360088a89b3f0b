// SPDX-License-Identifier: MIT
// Random families in protobuf, read back by Google's library with the distribution's metrics.proto.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <bit>
#include <cstdio>
#include <cstdlib>
#include <deque>
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

std::string Hex(std::string_view text) {
  std::string hex;
  char digits[3];
  for (const char c : text) {
    std::snprintf(digits, sizeof(digits), "%02x", static_cast<unsigned>(c) & 0xff);
    hex += digits;
  }
  return hex;
}

std::string Field(const char* name, const std::string& shown) {
  return std::string(name) + "=" + shown + ";";
}
std::string Text(const char* name, std::string_view text) { return Field(name, Hex(text)); }
template <typename Integer>
std::string Number(const char* name, Integer n) {
  return Field(name, std::to_string(n));
}
std::string Double(const char* name, double v) {
  if (v != v) return Field(name, "nan");
  char text[17];
  std::snprintf(text, sizeof(text), "%016llx",
                static_cast<unsigned long long>(std::bit_cast<uint64_t>(v)));
  return Field(name, text);
}
std::string Message(const char* name, const std::string& fields) {
  return std::string(name) + "{" + fields + "}";
}
std::string Time(const char* name, int64_t unix_ms) {
  if (unix_ms == 0) return "";
  const int64_t nanos = ((unix_ms % 1000) + 1000) % 1000 * 1000000;
  const int64_t seconds = (unix_ms - nanos / 1000000) / 1000;
  return Message(name, (seconds != 0 ? Number("seconds", seconds) : "") +
                           (nanos != 0 ? Number("nanos", nanos) : ""));
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
    static constexpr int kShown[] = {0, 1, 3, 4, 2, 1, 1, 5};
    const size_t kind = Below(std::size(kTypes));
    type_ = kTypes[kind];
    const std::string& name = Keep("family:" + std::to_string(number));
    const bool info = type_ == MetricType::kInfo;
    state_label_ = "family_" + std::to_string(number);
    const std::string& help = Keep(Below(4) == 0 ? "" : AnyText());
    const std::string& unit = Keep(Below(2) == 0 ? "" : "bytes");
    expected_ += Text("name", info ? name + "_info" : name) +
                 (help.empty() ? "" : Text("help", help)) + Number("type", kShown[kind]);
    points_.emplace_back();
    for (size_t n = 1 + Below(9), i = 0; i < n; ++i) points_.back().push_back(RandomPoint(i));
    expected_ += (unit.empty() ? "" : Text("unit", unit)) + "\n";
    testing::AddFamily(&gathering_, type_, name, help,
                       std::make_unique<testing::RepeatingSource>(points_.back(), 1));
    gathering_.families.back().head.unit = unit;
  }

  Gathering TakeGathering() { return std::move(gathering_); }
  const std::string& expected() const { return expected_; }

 private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  // What points refer to lives as long as the generator.
  const std::string& Keep(std::string text) { return texts_.emplace_back(std::move(text)); }
  template <typename T>
  const std::vector<T>& KeepAll(std::deque<std::vector<T>>* kept, std::vector<T> values) {
    return kept->emplace_back(std::move(values));
  }

  std::string AnyText() {
    static constexpr const char* kParts[] = {
        "\\", "\"", "\n", "\\n", "{", "}", ",", "\xc3\xbc", "a", "Z9", "\x01", "\xf0\x9f\x98\x80"};
    std::string text;
    for (size_t n = Below(100) == 0 ? 20000 : Below(40); n > 0; --n) {
      text += kParts[Below(std::size(kParts))];
    }
    return text;
  }

  double AnyDouble() {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    static const double kSpecial[] = {0.0, -0.0, kInf, -kInf, 1, std::nan("")};
    return Below(3) == 0 ? kSpecial[Below(std::size(kSpecial))] : std::bit_cast<double>(random_());
  }
  int64_t AnyTime() {
    return Below(3) == 0 ? 0 : static_cast<int64_t>(Below(4000000000000)) - 1000000000000;
  }

  // *shown gets the fields; returns them rendered.
  std::string_view Labels(const char* field, size_t n, std::string* shown) {
    std::string rendered;
    for (size_t i = 0; i < n; ++i) {
      const std::string value = AnyText();
      rendered += (i == 0 ? "{label_" : ",label_") + std::to_string(i) + "=\"";
      for (const char c : value) {
        if (c == '\\' || c == '"') rendered += '\\';
        c == '\n' ? rendered += "\\n" : rendered += c;
      }
      rendered += '"';
      *shown += Message(field, Text("name", "label_" + std::to_string(i)) + Text("value", value));
    }
    return n == 0 ? std::string_view() : Keep(rendered + "}");
  }

  void AddExemplars(Point* point, size_t n) {
    std::vector<Exemplar> exemplars(n);
    shown_exemplars_.assign(n, "");
    for (size_t i = 0; i < n; ++i) {
      if (Below(3) == 0) continue;
      exemplars[i] = {Labels("label", 1 + Below(3), &shown_exemplars_[i]), AnyDouble(), AnyTime()};
      shown_exemplars_[i] +=
          Double("value", exemplars[i].value) + Time("timestamp", exemplars[i].unix_ms);
    }
    point->exemplars = KeepAll(&exemplars_, std::move(exemplars)).data();
    point->n_exemplars = n;
  }
  std::string ShownExemplar(const char* name, size_t i) const {
    return i >= shown_exemplars_.size() || shown_exemplars_[i].empty()
               ? ""
               : Message(name, shown_exemplars_[i]);
  }

  Point RandomPoint(size_t index) {
    std::string labels;
    Point point;
    point.labels = Labels("label", index == 0 ? 0 : Below(4), &labels);
    point.created_ms = AnyTime();
    point.has_timestamp = Below(3) == 0;
    point.timestamp_ms = AnyTime();
    const std::string time = point.has_timestamp ? Number("timestamp_ms", point.timestamp_ms) : "";
    shown_exemplars_.clear();
    switch (type_) {
      case MetricType::kHistogram:
      case MetricType::kGaugeHistogram:
        expected_ += Message("metric", labels + time + Message("histogram", Histogram(&point)));
        break;
      case MetricType::kSummary:
        expected_ += Message("metric", labels + Message("summary", Summary(&point)) + time);
        break;
      case MetricType::kStateset:
        Stateset(&point, labels, time);
        break;
      default:
        expected_ += Message("metric", labels + Single(&point) + time);
    }
    return point;
  }

  std::string Single(Point* point) {
    point->is_integer = Below(2) == 0;
    point->integer = random_() >> Below(64);
    point->value = AnyDouble();
    const std::string value =
        Double("value", point->is_integer ? static_cast<double>(point->integer) : point->value);
    if (type_ == MetricType::kUntyped) return Message("untyped", value);
    if (type_ != MetricType::kCounter) return Message("gauge", value);
    AddExemplars(point, Below(2));
    return Message("counter", value + ShownExemplar("exemplar", 0) +
                                  Time("created_timestamp", point->created_ms));
  }

  void Stateset(Point* point, const std::string& labels, const std::string& time) {
    std::vector<std::string_view> names;
    point->states = random_();
    point->n_states = 1 + Below(64);
    for (size_t i = 0; i < point->n_states; ++i) {
      names.push_back(Keep(AnyText()));
      const std::string label =
          Message("label", Text("name", state_label_) + Text("value", names.back()));
      const double value = (point->states >> i & 1) != 0 ? 1 : 0;
      expected_ +=
          Message("metric", labels + label + Message("gauge", Double("value", value)) + time);
    }
    point->state_names = KeepAll(&names_, std::move(names)).data();
  }

  std::vector<double> SomeDoubles(size_t n) {
    std::vector<double> doubles(n);
    for (double& v : doubles) v = AnyDouble();
    return doubles;
  }
  std::vector<uint64_t> SomeCounts(size_t n) {
    std::vector<uint64_t> counts(n);
    for (uint64_t& v : counts) v = random_() >> (6 + Below(58));
    return counts;
  }

  std::string Summary(Point* point) {
    point->n_quantiles = Below(5);
    point->quantiles = KeepAll(&doubles_, SomeDoubles(point->n_quantiles)).data();
    point->quantile_values = KeepAll(&doubles_, SomeDoubles(point->n_quantiles)).data();
    point->integer = random_() >> Below(64);
    point->sum = AnyDouble();
    point->has_sum = Below(4) != 0;
    std::string shown = Number("sample_count", point->integer);
    if (point->has_sum) shown += Double("sample_sum", point->sum);
    for (size_t i = 0; i < point->n_quantiles; ++i) {
      shown += Message("quantile", Double("quantile", point->quantiles[i]) +
                                       Double("value", point->quantile_values[i]));
    }
    return shown + Time("created_timestamp", point->created_ms);
  }

  std::string Histogram(Point* point) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    point->n_bounds = Below(4) == 0 ? 0 : Below(20);
    point->bounds = KeepAll(&doubles_, SomeDoubles(point->n_bounds)).data();
    point->counts = KeepAll(&counts_, SomeCounts(point->n_bounds + 1)).data();
    point->sum = AnyDouble();
    point->has_sum = Below(4) != 0;
    if (Below(2) == 0) AddExemplars(point, point->n_bounds + 1);
    const bool native = Below(2) == 0;
    std::string buckets;
    uint64_t count = 0;
    for (size_t i = 0; i <= point->n_bounds; ++i) {
      count += point->counts[i];
      if (native && point->n_bounds == 0) continue;
      buckets += Message("bucket",
                         Number("cumulative_count", count) +
                             Double("upper_bound", i == point->n_bounds ? kInf : point->bounds[i]) +
                             ShownExemplar("exemplar", i));
    }
    std::string shown = Number("sample_count", count);
    if (point->has_sum) shown += Double("sample_sum", point->sum);
    shown += buckets;
    if (native) shown += Native(point);
    shown += Time("created_timestamp", point->created_ms);
    for (size_t i = 0; native && i < point->n_exemplars; ++i)
      shown += ShownExemplar("exemplars", i);
    return shown;
  }

  std::string Native(Point* point) {
    NativeHistogram& native = natives_.emplace_back();
    point->native = &native;
    native.schema = static_cast<int32_t>(Below(13)) - 4;
    native.zero_threshold = Below(3) == 0 ? 0 : std::bit_cast<double>(random_() >> 12);
    native.zero_count = Below(3) == 0 ? 0 : random_() >> Below(64);
    native.n_negative_spans = Below(3);
    native.n_positive_spans = Below(3);
    std::string shown = Number("schema", native.schema) +
                        Double("zero_threshold", native.zero_threshold) +
                        Number("zero_count", native.zero_count);
    const std::string negative =
        Side("negative_span", "negative_delta", native.n_negative_spans, &native.negative_offsets,
             &native.negative_lengths, &native.negative_counts);
    std::string positive =
        Side("positive_span", "positive_delta", native.n_positive_spans, &native.positive_offsets,
             &native.positive_lengths, &native.positive_counts);
    if (negative.empty() && positive.empty() && native.zero_count == 0 &&
        native.zero_threshold == 0) {
      positive = Message("positive_span", Number("offset", 0) + Number("length", 0));
    }
    return shown + negative + positive;
  }

  std::string Side(const char* span, const char* delta, size_t n, const int32_t** offsets,
                   const uint32_t** lengths, const uint64_t** counts) {
    std::vector<int32_t> some_offsets;
    std::vector<uint32_t> some_lengths;
    size_t buckets = 0;
    std::string shown;
    for (size_t i = 0; i < n; ++i) {
      const auto offset = static_cast<int32_t>(Below(100000));
      some_offsets.push_back(i == 0 ? offset - 50000 : offset);
      some_lengths.push_back(static_cast<uint32_t>(Below(40)));
      buckets += some_lengths.back();
      shown += Message(
          span, Number("offset", some_offsets.back()) + Number("length", some_lengths.back()));
    }
    const std::vector<uint64_t>& some_counts = KeepAll(&counts_, SomeCounts(buckets));
    int64_t before = 0;
    for (const uint64_t count : some_counts) {
      shown += Number(delta, static_cast<int64_t>(count) - before);
      before = static_cast<int64_t>(count);
    }
    *offsets = KeepAll(&offsets_, std::move(some_offsets)).data();
    *lengths = KeepAll(&lengths_, std::move(some_lengths)).data();
    *counts = some_counts.data();
    return shown;
  }

  std::mt19937_64 random_;
  Gathering gathering_;
  std::string expected_;
  MetricType type_ = MetricType::kGauge;
  std::string state_label_;
  std::vector<std::string> shown_exemplars_;
  std::deque<std::vector<Point>> points_;
  std::deque<std::string> texts_;
  std::deque<std::vector<std::string_view>> names_;
  std::deque<std::vector<double>> doubles_;
  std::deque<std::vector<uint64_t>> counts_;
  std::deque<std::vector<int32_t>> offsets_;
  std::deque<std::vector<uint32_t>> lengths_;
  std::deque<std::vector<Exemplar>> exemplars_;
  std::deque<NativeHistogram> natives_;
};

TEST(ProtobufReaders, GooglesLibraryFindsExactlyWhatWentIn) {
  std::string folder = std::filesystem::temp_directory_path() / "promplug_protobuf_XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  Generator generator(20240301);
  for (int i = 0; i < 400; ++i) generator.AddFamily(i);
  {
    std::ofstream exposition(folder + "/exposition", std::ios::binary);
    const auto stream =
        NewExpositionStream(generator.TakeGathering(), Format::kProtobuf, Timestamps::kKeep);
    for (auto piece = stream->Next(); !piece.empty(); piece = stream->Next()) exposition << piece;
    std::ofstream(folder + "/expected", std::ios::binary) << generator.expected();
  }
  const std::string command =
      "/usr/bin/python3 '" PROMPLUG_TEST_DATA "/../unit/exposition/read_protobuf.py' " + folder +
      "/exposition " + folder + "/expected >" + folder + "/said 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream file(folder + "/said");
  const std::string said{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(status, 0) << said;
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace promplug
