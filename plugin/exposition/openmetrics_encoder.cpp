// SPDX-License-Identifier: MIT
#include "exposition/openmetrics_encoder.hpp"

#include <cstring>
#include <string>

#include "base/text.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

constexpr std::string_view kTotal = "_total";
constexpr std::string_view kInfo = "_info";

std::string_view TypeName(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kGauge:
      return "gauge";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kSummary:
      return "summary";
    case MetricType::kInfo:
      return "info";
    case MetricType::kStateset:
      return "stateset";
    case MetricType::kGaugeHistogram:
      return "gaugehistogram";
    case MetricType::kUntyped:
      break;
  }
  return "unknown";
}

std::string_view WithoutSuffix(std::string_view name, std::string_view suffix) {
  if (name.ends_with(suffix)) name.remove_suffix(suffix.size());
  return name;
}

// The suffix that the type's only line has.
std::string_view SingleSuffix(MetricType type) {
  if (type == MetricType::kCounter) return kTotal;
  if (type == MetricType::kInfo) return kInfo;
  return {};
}

bool IsPlain(const FamilyHead& family) {
  switch (family.type) {
    case MetricType::kCounter:
    case MetricType::kInfo:
      return family.plain_in_open_metrics || family.name == SingleSuffix(family.type);
    case MetricType::kStateset:
      return family.plain_in_open_metrics || StateLabelName(family.name) != family.name;
    default:
      return false;
  }
}

bool HasUnit(const FamilyHead& family, std::string_view name) {
  if (family.unit.empty() || family.type == MetricType::kInfo ||
      family.type == MetricType::kStateset) {
    return false;
  }
  const std::string_view before = WithoutSuffix(name, family.unit);
  if (before.size() == name.size() || !before.ends_with('_')) return false;
  // A unit is not quoted.
  return IsValidMetricName(name.substr(before.size() - 1));
}

}  // namespace

void OpenMetricsEncoder::BeginFamily(const FamilyHead& family) {
  Lines lines;
  lines.type = family.type;
  std::string_view type_name = TypeName(family.type);
  std::string name;
  if (IsPlain(family)) {
    const bool is_states = family.type == MetricType::kStateset;
    type_name = TypeName(is_states ? MetricType::kGauge : MetricType::kUntyped);
    if (!is_states) lines.type = MetricType::kUntyped;
    lines.stem = family.name;
    if (family.type == MetricType::kInfo && !family.name.ends_with(kInfo)) lines.single = kInfo;
    name.append(lines.stem).append(lines.single);
  } else {
    lines.single = SingleSuffix(family.type);
    lines.stem = WithoutSuffix(family.name, lines.single);
    lines.created = created_series_;
    name = lines.stem;
  }
  if (family.type == MetricType::kGaugeHistogram) {
    lines.created = false;
    lines.sum = "_gsum";
    lines.count = "_gcount";
  }
  Begin(lines);
  MakeHead(family, name, type_name);
}

void OpenMetricsEncoder::MakeHead(const FamilyHead& family, std::string_view name,
                                  std::string_view type_name) {
  const auto begin = [&](std::string_view keyword) {
    head()->append("# ").append(keyword).append(" ");
    AppendName(name);
    head()->append(" ");
  };
  begin("TYPE");
  head()->append(type_name).append("\n");
  if (HasUnit(family, name)) {
    begin("UNIT");
    head()->append(family.unit).append("\n");
  }
  if (family.help.empty()) return;
  begin("HELP");
  AppendEscapedHelp(family.help, "\"");
  head()->append("\n");
}

bool OpenMetricsEncoder::End(OutputBuffer* out) {
  constexpr std::string_view kEof = "# EOF\n";
  char* at = out->Claim(kEof.size());
  if (at == nullptr) return false;
  std::memcpy(at, kEof.data(), kEof.size());
  out->Commit(at + kEof.size());
  return true;
}

}  // namespace promplug
