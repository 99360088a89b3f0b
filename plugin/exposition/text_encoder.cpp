// SPDX-License-Identifier: MIT
#include "exposition/text_encoder.hpp"

#include <algorithm>

#include "exposition/numbers.hpp"
#include "metrics/labels.hpp"

namespace promplug {
namespace {

// Space, value, space, timestamp, newline.
constexpr size_t kTailBytes = 2 * kMaxNumberBytes + 3;

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

void AppendEscapedHelp(std::string* out, std::string_view help) {
  for (const char c : help) {
    if (c == '\\') {
      out->append("\\\\");
    } else if (c == '\n') {
      out->append("\\n");
    } else {
      out->push_back(c);
    }
  }
}

inline char* Copy(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// What follows the value.
inline char* EndLine(char* out, const Point& point) {
  if (point.has_timestamp) [[unlikely]] {
    *out++ = ' ';
    out = WriteSigned(out, point.timestamp_ms);
  }
  *out++ = '\n';
  return out;
}

}  // namespace

TextEncoder::TextEncoder() {
  constexpr size_t kUsualHeadBytes = 512;
  head_.reserve(kUsualHeadBytes);
}

void TextEncoder::BeginFamily(const FamilyHead& head) {
  constexpr std::string_view kInfoSuffix = "_info";
  type_ = head.type;
  line_ = 0;
  full_name_.assign(head.name);
  if (type_ == MetricType::kInfo && !head.name.ends_with(kInfoSuffix)) full_name_ += kInfoSuffix;
  MakeHead(head);
  name_.Clear();
  name_.Append(full_name_);
  sum_name_.Clear();
  sum_name_.Append(full_name_);
  sum_name_.Append("_sum");
  count_name_.Clear();
  count_name_.Append(full_name_);
  count_name_.Append("_count");
  state_label_.assign(full_name_).append("=\"");
  std::replace(state_label_.begin(), state_label_.end(), ':', '_');
}

void TextEncoder::MakeHead(const FamilyHead& head) {
  head_.clear();
  if (!head.help.empty()) {
    head_.append("# HELP ").append(full_name_).append(" ");
    AppendEscapedHelp(&head_, head.help);
    head_.append("\n");
  }
  head_.append("# TYPE ").append(full_name_).append(" ").append(TypeName(head.type)).append("\n");
}

bool TextEncoder::AppendHead(OutputBuffer* out) {
  char* at = out->Claim(head_.size());
  if (at == nullptr) return false;
  out->Commit(Copy(at, head_));
  head_.clear();
  return true;
}

size_t TextEncoder::AppendPoints(const Point* points, size_t n, OutputBuffer* out) {
  if (!head_.empty() && !AppendHead(out)) return 0;
  bool (TextEncoder::*append)(const Point&, OutputBuffer*) = nullptr;
  switch (type_) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      append = &TextEncoder::AppendHistogram;
      break;
    case MetricType::kSummary:
      append = &TextEncoder::AppendSummary;
      break;
    case MetricType::kStateset:
      append = &TextEncoder::AppendStateset;
      break;
    default:
      return AppendSingles(points, n, out);
  }
  for (size_t i = 0; i < n; ++i) {
    if (!(this->*append)(points[i], out)) return i;
  }
  return n;
}

size_t TextEncoder::AppendSingles(const Point* points, size_t n, OutputBuffer* out) {
  for (size_t i = 0; i < n; ++i) {
    const Point& point = points[i];
    char* at = out->Claim(name_.size() + point.labels.size() + kTailBytes);
    if (at == nullptr) return i;
    at = name_.CopyTo(at);
    at = Copy(at, point.labels);
    *at++ = ' ';
    at = point.is_integer ? WriteUnsigned(at, point.integer) : WriteValue(at, point.value);
    out->Commit(EndLine(at, point));
  }
  return n;
}

void TextEncoder::MakeSeriesPrefix(std::string_view suffix, std::string_view labels) {
  series_.Clear();
  series_.Append(full_name_);
  series_.Append(suffix);
  if (labels.empty()) {
    series_.Append("{");
  } else {
    series_.Append(labels.substr(0, labels.size() - 1));
    series_.Append(",");
  }
}

bool TextEncoder::AppendBuckets(const Point& point, OutputBuffer* out) {
  const size_t line_bytes = series_.size() + NumberLabels::kMaxBytes + kTailBytes;
  for (; line_ < buckets_.size(); ++line_) {
    char* at = out->Claim(line_bytes);
    if (at == nullptr) return false;
    cumulative_ += point.counts[line_];
    at = series_.CopyTo(at);
    at = buckets_.CopyTo(at, line_);
    at = WriteUnsigned(at, cumulative_);
    out->Commit(EndLine(at, point));
  }
  return true;
}

bool TextEncoder::AppendHistogram(const Point& point, OutputBuffer* out) {
  if (line_ == 0) {
    buckets_.Use(point.bounds, point.n_bounds);
    MakeSeriesPrefix("_bucket", point.labels);
    cumulative_ = 0;
  }
  return AppendBuckets(point, out) && AppendSumAndCount(point, cumulative_, out);
}

bool TextEncoder::AppendSummary(const Point& point, OutputBuffer* out) {
  if (line_ == 0) {
    quantiles_.Use(point.quantiles, point.n_quantiles);
    MakeSeriesPrefix({}, point.labels);
  }
  const size_t line_bytes = series_.size() + NumberLabels::kMaxBytes + kTailBytes;
  for (; line_ < quantiles_.size(); ++line_) {
    char* at = out->Claim(line_bytes);
    if (at == nullptr) return false;
    at = series_.CopyTo(at);
    at = quantiles_.CopyTo(at, line_);
    at = WriteValue(at, point.quantile_values[line_]);
    out->Commit(EndLine(at, point));
  }
  return AppendSumAndCount(point, point.integer, out);
}

bool TextEncoder::AppendSumAndCount(const Point& point, uint64_t count, OutputBuffer* out) {
  const size_t line_bytes = count_name_.size() + point.labels.size() + kTailBytes;
  // Both lines or none, so that line_ need not tell them apart.
  char* at = out->Claim(2 * line_bytes);
  if (at == nullptr) return false;
  if (point.has_sum) {
    at = sum_name_.CopyTo(at);
    at = Copy(at, point.labels);
    *at++ = ' ';
    at = EndLine(WriteValue(at, point.sum), point);
  }
  at = count_name_.CopyTo(at);
  at = Copy(at, point.labels);
  *at++ = ' ';
  out->Commit(EndLine(WriteUnsigned(at, count), point));
  line_ = 0;
  return true;
}

bool TextEncoder::AppendStateset(const Point& point, OutputBuffer* out) {
  if (point.n_states == 0) return AppendSingles(&point, 1, out) == 1;
  if (line_ == 0) MakeSeriesPrefix({}, point.labels);
  for (; line_ < point.n_states; ++line_) {
    state_line_.assign(state_label_);
    AppendEscapedLabelValue(&state_line_, point.state_names[line_]);
    state_line_.append("\"} ");
    char* at = out->Claim(series_.size() + state_line_.size() + kTailBytes);
    if (at == nullptr) return false;
    at = series_.CopyTo(at);
    at = Copy(at, state_line_);
    *at++ = static_cast<char>('0' + ((point.states >> line_) & 1));
    out->Commit(EndLine(at, point));
  }
  line_ = 0;
  return true;
}

}  // namespace promplug
