// SPDX-License-Identifier: MIT
#pragma once

#include <limits>

#include "support/fake_gathering.hpp"

namespace promplug::testing {

// Every type and every odd case of the formats; tests/data/exposition_*.txt are what
// must come of it.
inline Gathering SampleGathering() {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  Gathering g;
  AddFamily(&g, MetricType::kCounter, "a_requests_total", "Requests.",
            {FakePoint::Integer(R"({method="GET",status="200"})", 1027),
             FakePoint::Integer(R"({method="POST",status="400"})", 3),
             FakePoint::Integer("", 18446744073709551615U), FakePoint::Double(R"({x="y"})", 1.5)});
  AddFamily(&g, MetricType::kCounter, "b_escaped_total", "A \\ backslash,\na line, a \"quote\".",
            {FakePoint::Integer(R"({path="C:\\DIR\\",error="Cannot \"find\"\nit"})", 1)});
  AddFamily(
      &g, MetricType::kGauge, "c_values", "",
      {FakePoint::Double(R"({v="zero"})", 0), FakePoint::Double(R"({v="negative zero"})", -0.0),
       FakePoint::Double(R"({v="nan"})", kNan), FakePoint::Double(R"({v="inf"})", kInf),
       FakePoint::Double(R"({v="-inf"})", -kInf), FakePoint::Double(R"({v="third"})", 1.0 / 3),
       FakePoint::Double(R"({v="big"})", 1e20), FakePoint::Double(R"({v="small"})", -1.5e-300),
       FakePoint::Double(R"({v="million"})", 1234567.25)});
  AddFamily(
      &g, MetricType::kHistogram, "d_seconds", "Latency.",
      {FakePoint::Histogram(R"({route="/"})", {0.005, 1, 2.5, 1e6}, {1, 0, 2, 3, 4}, 53423.25),
       FakePoint::Histogram("", {-1, 0}, {5, 0, 0}, -7),
       FakePoint::Histogram(R"({route="/none"})", {}, {9}, 0.5).WithoutSum(),
       FakePoint::Histogram(R"({route="/t"})", {10}, {1, 1}, 12).At(1395066363000)});
  AddFamily(&g, MetricType::kSummary, "e_seconds", "Duration.",
            {FakePoint::Summary(R"({handler="h"})", {0.5, 0.99, 1}, {4773, kNan, 76656.5}, 17560473,
                                2693),
             FakePoint::Summary("", {}, {}, 2.25, 4),
             FakePoint::Summary(R"({handler="q"})", {0.9}, {-1}, 0, 1).WithoutSum()});
  AddFamily(
      &g, MetricType::kUntyped, "f_something", "Who knows.",
      {FakePoint::Double("", -3.982).At(-3982045), FakePoint::Integer(R"({l="ü"})", 5).At(0)});
  AddFamily(&g, MetricType::kInfo, "g_build", "Build.", {FakePoint::Integer(R"({v="1.2"})", 1)});
  AddFamily(&g, MetricType::kInfo, "h_build_info", "Build.", {FakePoint::Double("", 1)});
  AddFamily(&g, MetricType::kStateset, "i_state", "State.",
            {FakePoint::Stateset(R"({unit="a"})", {"up", "do\"wn", "li\nne"}, 0b101),
             FakePoint::Stateset("", {"up"}, 0)});
  AddFamily(&g, MetricType::kStateset, "j:state", "State.",
            {FakePoint::Stateset("", {"up", "down"}, 0b10),
             FakePoint::Integer(R"({j_state="other"})", 1)});
  AddFamily(&g, MetricType::kGaugeHistogram, "k_queue", "Ages.",
            {FakePoint::Histogram(R"({q="in"})", {1}, {3, 1}, 17.5)});
  AddFamily(&g, MetricType::kGauge, "l_none", "A family without points.", std::vector<FakePoint>{});
  AddFamily(&g, MetricType::kGauge, "m_last", "The last.", {FakePoint::Integer("", 7)});
  return g;
}

}  // namespace promplug::testing
