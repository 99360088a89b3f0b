// SPDX-License-Identifier: MIT
// The bodies that a real Pushgateway refused (tests/data/pushgateway_answers.tsv): each is refused
// here too, or comes out as something that it takes.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>
#include <string>

#include "support/exposition_checker.hpp"
#include "unit/relay/relay_test_support.hpp"

namespace promplug::testing {
namespace {

struct Case {
  const char* body;
  const char* clean;  // nullptr: the exposition is refused
};

const std::map<std::string, Case>& Cases() {
  static const std::map<std::string, Case> cases = {
      {"timestamp", {"# TYPE m_ts gauge\nm_ts 1 1395066363000\n", "# TYPE m_ts gauge\nm_ts 1\n"}},
      {"naninf",
       {"# TYPE m_n gauge\nm_n{v=\"1\"} NaN\nm_n{v=\"2\"} +Inf\nm_n{v=\"3\"} -Inf\n"
        "m_n{v=\"4\"} Inf\nm_n{v=\"5\"} nan\nm_n{v=\"6\"} 1e400\n",
        nullptr}},
      {"range",
       {"# TYPE m_r gauge\nm_r{v=\"1\"} 1e308\nm_r{v=\"2\"} 1e-400\nm_r 0x1p3\n", nullptr}},
      {"dup_label_name",
       {"# TYPE m_dl gauge\nm_dl{a=\"1\",a=\"2\"} 1\nm_dl 2\n", "# TYPE m_dl gauge\nm_dl 2\n"}},
      {"badutf8",
       {"# TYPE m_u gauge\nm_u{a=\"\xff\xfe\"} 1\nm_u 2\n", "# TYPE m_u gauge\nm_u 2\n"}},
      {"badescape", {"# TYPE m_e gauge\nm_e{a=\"x\\qy\"} 1\n", nullptr}},
      {"metric_utf8_name", {"# TYPE m\xC3\xB3 gauge\nm\xC3\xB3 1\n", nullptr}},
      {"quotedname", {"{\"m.q\",a=\"1\"} 1\n", nullptr}},
      {"name_label",
       {"# TYPE m_nl gauge\nm_nl{__name__=\"x\"} 1\nm_nl 2\n", "# TYPE m_nl gauge\nm_nl 2\n"}},
      {"nonewline", {"# TYPE m_nn gauge\nm_nn 1", nullptr}},
      {"crlf", {"# TYPE m_c gauge\r\nm_c 1\r\n", nullptr}},
      {"two_types",
       {"# TYPE m_tt gauge\nm_tt 1\n# TYPE m_tt counter\nm_tt{a=\"1\"} 2\n",
        "# TYPE m_tt gauge\nm_tt 1\n"}},
      {"two_helps", {"# HELP m_th One\n# HELP m_th Two\nm_th 1\n", "# HELP m_th One\nm_th 1\n"}},
      {"type_after", {"m_ta 1\n# TYPE m_ta gauge\n", "m_ta 1\n"}},
      {"unknown_type", {"# TYPE m_x unknown\nm_x 1\n", "# TYPE m_x untyped\nm_x 1\n"}},
      {"info_type", {"# TYPE m_i info\nm_i_info 1\n", "# TYPE m_i_info gauge\nm_i_info 1\n"}},
      {"value_missing", {"# TYPE m_v gauge\nm_v\n", nullptr}},
      {"hist_suffix_clash",
       {"# TYPE h_d histogram\nh_d_bucket{le=\"+Inf\"} 1\nh_d_sum 1\nh_d_count 1\n"
        "# TYPE h_d_count counter\nh_d_count 5\n",
        "# TYPE h_d histogram\nh_d_bucket{le=\"+Inf\"} 1\nh_d_sum 1\nh_d_count 1\n"}},
      {"badlabelname", {"# TYPE m_b gauge\nm_b{a-b=\"1\"} 1\n", nullptr}},
      {"om-exemplar",
       {"# TYPE m_o counter\nm_o_total 1 # {trace_id=\"a\"} 1 1.5\n# EOF\n",
        "# TYPE m_o_total counter\nm_o_total 1\n"}},
      {"om-stateset",
       {"# TYPE m_s stateset\nm_s{m_s=\"a\"} 1\n# EOF\n", "# TYPE m_s gauge\nm_s{m_s=\"a\"} 1\n"}},
      {"cut2", {"# TYPE m_k gauge\nm_k 1\n# TYPE m_l gauge\nm_", nullptr}},
  };
  return cases;
}

TEST(PushgatewayAnswersTest, EveryBodyThatItRefusesIsRefusedOrMended) {
  for (const auto& [name, body] : Cases()) {
    RelayRig rig;
    const RelayOutcome outcome = rig.Read(body.body);
    if (body.clean == nullptr) {
      EXPECT_EQ(outcome.kind, RelayOutcome::Kind::kFailed) << name;
      EXPECT_NE(outcome.text, "") << name;
      continue;
    }
    EXPECT_EQ(outcome.kind, RelayOutcome::Kind::kClean) << name << ": " << outcome.text;
    EXPECT_EQ(rig.out, body.clean) << name;
    EXPECT_EQ(ExpositionChecker::Check(rig.out), "") << name;
  }
}

TEST(PushgatewayAnswersTest, EveryAnswerAboutABodyHasItsCase) {
  // The encoding of the request, and its path, are not the relay's.
  const std::set<std::string> others = {"gzip-header-but-plain",
                                        "gzip-truncated",
                                        "deflate",
                                        "text-with-protobuf-ct",
                                        "path",
                                        "slash raw",
                                        "std b64 chars",
                                        "bad percent",
                                        "job empty b64",
                                        "bad b64"};
  std::istringstream lines(ReadData("pushgateway_answers.tsv"));
  std::string line;
  size_t found = 0;
  while (std::getline(lines, line)) {
    if (line.starts_with('#')) continue;
    const std::string name = line.substr(0, line.find('\t'));
    found += Cases().count(name);
    EXPECT_TRUE(Cases().count(name) + others.count(name) == 1) << name;
  }
  EXPECT_EQ(found, Cases().size());
}

}  // namespace
}  // namespace promplug::testing
