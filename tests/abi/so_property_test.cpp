// SPDX-License-Identifier: MIT
// Random families, said by a collector and by instruments, scraped as text and as OpenMetrics, and
// read by python3-prometheus-client. What it must find is made from what went in, here.
#include <sys/wait.h>

#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <random>

#include "so_host.hpp"

namespace so_test {
namespace {

std::string Hex(const std::string& text) {
  std::string hex(text.empty() ? "-" : "");
  char digits[3];
  for (const char c : text) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(c) & 0xff);
    hex += digits;
  }
  return hex;
}

std::string Bits(double v) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(std::bit_cast<uint64_t>(v)));
  return text;
}

promplug_str Str(const std::string& text) { return {text.data(), text.size()}; }

// As a reader without a wish sees a name: an underscore for each character that is not plain.
std::string Shown(const std::string& name) {
  std::string shown;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool follows = (byte & 0xC0) == 0x80;
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!follows) shown += plain ? c : '_';
  }
  return shown;
}

// One series, with the lines that must come of it.
struct Series {
  std::vector<std::string> values;
  double value = 0;
  std::vector<uint64_t> counts;  // by bucket
  double sum = 0;
};

struct Family {
  int32_t type = 0;
  std::string name;
  std::string help;
  bool instrument = false;
  std::vector<std::string> label_names;
  std::vector<double> bounds;
  std::vector<Series> series;
};

class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  Family Make(int number) {
    static constexpr int32_t kTypes[] = {PROMPLUG_COUNTER, PROMPLUG_GAUGE, PROMPLUG_HISTOGRAM,
                                         PROMPLUG_UNTYPED};
    Family family;
    family.instrument = Below(2) == 0;
    family.type = kTypes[Below(family.instrument ? 3 : 4)];
    family.name = "f" + std::to_string(1000 + number) + Name();
    if (family.type == PROMPLUG_COUNTER) family.name += "_total";
    family.help = "h" + Text() + "h";
    for (size_t n = Below(4), i = 0; i < n; ++i) {
      family.label_names.push_back("l" + std::to_string(i) + Name());
    }
    family.label_names.emplace_back("number");
    double bound = static_cast<double>(Below(3)) - 1;
    for (size_t n = 1 + Below(5), i = 0; i < n; ++i) {
      bound += static_cast<double>(1 + Below(1000000)) / static_cast<double>(1 + Below(1000));
      family.bounds.push_back(bound);
    }
    for (size_t n = 1 + Below(6), i = 0; i < n; ++i) family.series.push_back(MakeSeries(family, i));
    return family;
  }

 private:
  size_t Below(size_t n) { return random_() % n; }

  template <size_t N>
  std::string Join(const std::string (&parts)[N], size_t most) {
    std::string text;
    for (size_t n = Below(most); n > 0; --n) text += parts[Below(N)];
    return text;
  }
  std::string Name() {
    static const std::string kParts[] = {"_",  "a",  "Z9", ".",        "/",
                                         "\"", "\\", "\n", "\xc3\xbc", "\xf0\x9f\x98\x80"};
    return Below(2) == 0 ? "" : Join(kParts, 5);
  }
  std::string Text() {
    static const std::string kParts[] = {"\\",
                                         "\"",
                                         "\n",
                                         "\\n",
                                         "{",
                                         "}",
                                         ",",
                                         "=",
                                         "#",
                                         " # ",
                                         "\t",
                                         "\r",
                                         "a",
                                         "Z9",
                                         "\xc3\xbc",
                                         "'",
                                         "\x01",
                                         "\x7f",
                                         "\xe2\x82\xac",
                                         "\xf0\x9f\x98\x80",
                                         "le=\"1\"",
                                         std::string(1, '\0')};
    return Join(kParts, 8);
  }

  double Number() {
    using Limits = std::numeric_limits<double>;
    static const double kSpecial[] = {0.0,
                                      -0.0,
                                      Limits::infinity(),
                                      -Limits::infinity(),
                                      Limits::quiet_NaN(),
                                      Limits::max(),
                                      Limits::min(),
                                      Limits::denorm_min(),
                                      -Limits::denorm_min() * 12345,
                                      9007199254740991.0,
                                      9007199254740992.0,
                                      -9007199254740994.0,
                                      0.1,
                                      1e21};
    switch (Below(4)) {
      case 0:
        return kSpecial[Below(std::size(kSpecial))];
      case 1:
        return std::bit_cast<double>(random_());
      case 2:
        return static_cast<double>(Below(1000000)) / 1000;
      default:
        return static_cast<double>(random_()) / static_cast<double>(random_() | 1);
    }
  }

  Series MakeSeries(const Family& family, size_t number) {
    Series series;
    for (size_t i = 0; i + 1 < family.label_names.size(); ++i) series.values.push_back(Text());
    series.values.push_back(std::to_string(number));
    series.value = Number();
    // A counter starts at zero, which nothing that is added makes negative.
    if (family.type == PROMPLUG_COUNTER && !(series.value > 0)) series.value = 1;
    for (size_t i = 0; i <= family.bounds.size(); ++i) series.counts.push_back(Below(5));
    // Of an instrument: that of what is observed, the bounds and 1e300.
    for (size_t i = 0; family.instrument && i <= family.bounds.size(); ++i) {
      const double at = i < family.bounds.size() ? family.bounds[i] : 1e300;
      for (uint64_t n = 0; n < series.counts[i]; ++n) series.sum += at;
    }
    if (!family.instrument) series.sum = Number();
    return series;
  }

  std::mt19937_64 random_;
};

// What the reader must find, in the notation of read_exposition.py.
std::string Expected(const std::vector<Family>& families, bool open_metrics) {
  std::string expected;
  for (const Family& family : families) {
    const std::string full = Shown(family.name);
    const bool counter = family.type == PROMPLUG_COUNTER;
    const std::string stem =
        counter && open_metrics ? full.substr(0, full.size() - std::string("_total").size()) : full;
    const char* type = counter                             ? "counter"
                       : family.type == PROMPLUG_GAUGE     ? "gauge"
                       : family.type == PROMPLUG_HISTOGRAM ? "histogram"
                       : open_metrics                      ? "unknown"
                                                           : "untyped";
    expected += std::string("F ") + type + " " + Hex(stem) + " " + Hex(family.help) + " -\n";
    for (const Series& series : family.series) {
      std::string labels;
      for (size_t i = 0; i < series.values.size(); ++i) {
        labels += " " + Hex(Shown(family.label_names[i])) + "=" + Hex(series.values[i]);
      }
      const auto line = [&](const std::string& name, double value, const std::string& more = "") {
        expected += "S " + Hex(name) + " " + Bits(value) + " -" + labels + more + "\n";
      };
      if (family.type != PROMPLUG_HISTOGRAM) {
        line(full, series.value);
        continue;
      }
      double total = 0;
      for (size_t i = 0; i < series.counts.size(); ++i) {
        char le[32] = "+Inf";
        if (i < family.bounds.size()) std::snprintf(le, sizeof le, "%.17g", family.bounds[i]);
        total += static_cast<double>(series.counts[i]);
        line(full + "_bucket", total, " " + Hex("le") + "=" + Hex(le));
      }
      const bool sum = !open_metrics || (series.sum >= 0 && family.bounds[0] >= 0);
      if (sum) line(full + "_sum", series.sum);
      if (sum) line(full + "_count", total);
    }
  }
  return expected;
}

// Collects the families that no instrument says.
int32_t Collect(void* user, const promplug_writer* w) {
  for (const Family& family : *static_cast<std::vector<Family>*>(user)) {
    if (family.instrument) continue;
    promplug_family_head head = {};
    head.struct_size = sizeof head;
    head.type = family.type;
    head.name = Str(family.name);
    head.help = Str(family.help);
    EXPECT_EQ(w->family(w, &head), PROMPLUG_OK) << family.name;
    for (const Series& series : family.series) {
      std::vector<promplug_kv> labels;
      for (size_t i = 0; i < series.values.size(); ++i) {
        labels.push_back({Str(family.label_names[i]), Str(series.values[i])});
      }
      promplug_point point = {};
      point.struct_size = sizeof point;
      point.labels = labels.data();
      point.n_labels = labels.size();
      point.value = series.value;
      point.sum = series.sum;
      std::vector<uint64_t> cumulative;
      for (const uint64_t count : series.counts) {
        point.count += count;
        cumulative.push_back(point.count);
      }
      if (family.type == PROMPLUG_HISTOGRAM) {
        point.bounds = family.bounds.data();
        point.cumulative_counts = cumulative.data();
        point.n_bounds = family.bounds.size();
      }
      EXPECT_EQ(w->point(w, &point), PROMPLUG_OK) << family.name;
    }
  }
  return PROMPLUG_OK;
}

void Instrument(Host& host, const Family& family) {
  std::vector<promplug_str> names;
  for (const std::string& name : family.label_names) names.push_back(Str(name));
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = family.type;
  desc.name = Str(family.name);
  desc.help = Str(family.help);
  desc.label_names = names.data();
  desc.n_label_names = names.size();
  if (family.type == PROMPLUG_HISTOGRAM) {
    desc.buckets = family.bounds.data();
    desc.n_buckets = family.bounds.size();
  }
  promplug_family* made = nullptr;
  ASSERT_EQ(Api()->family(host.p, &desc, &made, &host.err), PROMPLUG_OK) << host.err.text;
  for (const Series& series : family.series) {
    std::vector<promplug_str> values;
    for (const std::string& value : series.values) values.push_back(Str(value));
    promplug_metric* metric = host.Metric(made, values);
    if (family.type == PROMPLUG_COUNTER) Api()->counter_add(metric, series.value);
    if (family.type == PROMPLUG_GAUGE) Api()->gauge_set(metric, series.value);
    for (size_t i = 0; family.type == PROMPLUG_HISTOGRAM && i < series.counts.size(); ++i) {
      const double at = i < family.bounds.size() ? family.bounds[i] : 1e300;
      for (uint64_t n = 0; n < series.counts[i]; ++n) Api()->observe(metric, at);
    }
  }
}

// Whether python3-prometheus-client finds in `body` what is expected; else what it says.
::testing::AssertionResult PythonFinds(const std::string& format, const std::string& body,
                                       const std::string& expected) {
  std::string folder = std::filesystem::temp_directory_path() / "promplug_property_XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) return ::testing::AssertionFailure() << "no directory";
  std::ofstream(folder + "/body", std::ios::binary) << body;
  std::ofstream(folder + "/expected", std::ios::binary) << expected;
  const std::string command =
      "/usr/bin/python3 '" PROMPLUG_TEST_DATA "/../unit/exposition/read_exposition.py' " + format +
      " " + folder + "/body " + folder + "/expected --without-created >" + folder + "/said 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream said(folder + "/said");
  const std::string text{std::istreambuf_iterator<char>(said), {}};
  std::filesystem::remove_all(folder);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << text;
}

class SoPropertyTest : public ::testing::TestWithParam<uint64_t> {};

INSTANTIATE_TEST_SUITE_P(Seeds, SoPropertyTest, ::testing::Values(1, 20240229, 0x5eed));

TEST_P(SoPropertyTest, AnIndependentReaderFindsExactlyWhatWentIn) {
  Generator generator(GetParam());
  std::vector<Family> families;
  for (int i = 0; i < 150; ++i) families.push_back(generator.Make(i));
  Host host({{S("process_metrics"), S("false")}, {S("self_metrics"), S("false")}});
  promplug_collector collector = {};
  collector.struct_size = sizeof collector;
  collector.name = S("random");
  collector.collect = Collect;
  collector.user = &families;
  promplug_reg reg = 0;
  ASSERT_EQ(Api()->register_collector(host.p, &collector, &reg, &host.err), PROMPLUG_OK);
  for (const Family& family : families) {
    if (family.instrument) Instrument(host, family);
  }
  host.Start();
  const auto body = [](const std::string& answer) { return answer.substr(answer.find('\n') + 1); };
  EXPECT_TRUE(PythonFinds("text", body(host.Get()), Expected(families, false)));
  EXPECT_TRUE(PythonFinds("openmetrics",
                          body(host.GetAs("application/openmetrics-text;version=1.0.0")),
                          Expected(families, true)));
}

}  // namespace
}  // namespace so_test
