// SPDX-License-Identifier: MIT
#include "exposition/text_encoder.hpp"

#include <string>

namespace promplug {
namespace {

std::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
    case MetricType::kInfo:
    case MetricType::kStateset:
      return "gauge";
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kUntyped:
      break;
  }
  return "untyped";
}

}  // namespace

void TextEncoder::BeginFamily(const FamilyHead& family) {
  constexpr std::string_view kInfoSuffix = "_info";
  Lines lines;
  lines.type = family.type;
  lines.stem = family.name;
  if (family.type == MetricType::kInfo && !family.name.ends_with(kInfoSuffix)) {
    lines.single = kInfoSuffix;
  }
  Begin(lines);
  const std::string name = std::string(lines.stem).append(lines.single);
  if (!family.help.empty()) {
    head()->append("# HELP ");
    AppendName(name);
    head()->append(" ");
    AppendEscapedHelp(family.help, {});
    head()->append("\n");
  }
  head()->append("# TYPE ");
  AppendName(name);
  head()->append(" ").append(TypeName(family.type)).append("\n");
}

}  // namespace promplug
