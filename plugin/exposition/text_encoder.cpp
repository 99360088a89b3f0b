// SPDX-License-Identifier: MIT
#include "exposition/text_encoder.hpp"

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
  std::string& text = *head();
  if (!family.help.empty()) {
    text.append("# HELP ").append(lines.stem).append(lines.single).append(" ");
    AppendEscapedHelp(family.help, {});
    text.append("\n");
  }
  text.append("# TYPE ").append(lines.stem).append(lines.single).append(" ");
  text.append(TypeName(family.type)).append("\n");
}

}  // namespace promplug
