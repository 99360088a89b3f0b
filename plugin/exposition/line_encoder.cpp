// SPDX-License-Identifier: MIT
#include "exposition/line_encoder.hpp"

#include <cmath>

#include "base/text.hpp"
#include "exposition/numbers.hpp"
#include "metrics/labels.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

// Space, value, space, timestamp, newline.
constexpr size_t kTailBytes = 2 * kMaxNumberBytes + 3;
static_assert(kNumberSpanBytes - kMaxNumberBytes <= OutputBuffer::kSlackBytes);

inline char* Copy(char* out, std::string_view text) {
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// As Copy(), without a call where the text is not short: by blocks, the last of which may overlap
// the one before.
inline char* CopyLabels(char* out, std::string_view labels) {
  constexpr size_t kBlockBytes = 32;
  if (labels.size() < kBlockBytes) return Copy(out, labels);
  const char* in = labels.data();
  const char* const last = in + labels.size() - kBlockBytes;
  char* const end = out + labels.size();
  for (; in < last; in += kBlockBytes, out += kBlockBytes) std::memcpy(out, in, kBlockBytes);
  std::memcpy(end - kBlockBytes, last, kBlockBytes);
  return end;
}

// The exemplar, where there is one.
const Exemplar* ExemplarOf(const Point& point, size_t i) {
  const bool there = i < point.n_exemplars && !point.exemplars[i].labels.empty();
  return there ? &point.exemplars[i] : nullptr;
}

constexpr std::string_view kBeforeExemplar = " # ";

size_t ExemplarBytes(const Exemplar* exemplar) {
  if (exemplar == nullptr) return 0;
  return kBeforeExemplar.size() + exemplar->labels.size() + 2 * (kMaxNumberBytes + 1);
}

char* WriteExemplar(char* out, const Exemplar& exemplar) {
  out = Copy(Copy(out, kBeforeExemplar), exemplar.labels);
  *out++ = ' ';
  out = WriteValue(out, exemplar.value);
  if (exemplar.unix_ms == 0) return out;
  *out++ = ' ';
  return WriteSeconds(out, exemplar.unix_ms);
}

bool HasNegativeBounds(const Point& point) { return point.n_bounds > 0 && point.bounds[0] < 0; }

}  // namespace

LineEncoder::LineEncoder(Dialect dialect)
    : dialect_(dialect),
      buckets_("le", true, dialect == Dialect::kText ? WriteBound : WriteCanonicalBound),
      quantiles_("quantile", false, dialect == Dialect::kText ? WriteBound : WriteCanonicalBound) {
  constexpr size_t kUsualHeadBytes = 512;
  head_.reserve(kUsualHeadBytes);
}

void LineEncoder::Begin(const Lines& lines) {
  type_ = lines.type;
  quoted_ = !IsValidMetricName(lines.stem);
  std::string stem;
  if (quoted_) {
    stem.append("{\"");
    AppendEscapedLabelValue(&stem, lines.stem);
  } else {
    stem.append(lines.stem);
  }
  const auto make = [&](PaddedText* name, std::string_view suffix) {
    name->Clear();
    name->Append(stem);
    name->Append(suffix);
    if (quoted_) name->Append("\"");
  };
  created_ = lines.created;
  line_ = 0;
  head_.clear();
  make(&name_, lines.single);
  make(&bucket_name_, "_bucket");
  make(&sum_name_, lines.sum);
  make(&count_name_, lines.count);
  make(&created_name_, "_created");
  state_label_.clear();
  AppendRenderedName(&state_label_, StateLabelName(lines.stem));
  state_label_.append("=\"");
}

void LineEncoder::AppendName(std::string_view name) {
  if (IsValidMetricName(name)) {
    head_.append(name);
    return;
  }
  head_.push_back('"');
  AppendEscapedLabelValue(&head_, name);
  head_.push_back('"');
}

void LineEncoder::AppendEscapedHelp(std::string_view help, std::string_view also) {
  for (const char c : help) {
    if (c == '\n') {
      head_.append("\\n");
      continue;
    }
    if (c == '\\' || also.find(c) != std::string_view::npos) head_.push_back('\\');
    head_.push_back(c);
  }
}

bool LineEncoder::AppendHead(OutputBuffer* out) {
  char* at = out->Claim(head_.size());
  if (at == nullptr) return false;
  out->Commit(Copy(at, head_));
  head_.clear();
  return true;
}

// What follows the value.
inline char* LineEncoder::EndLine(char* out, const Point& point) const {
  if (point.has_timestamp) [[unlikely]] {
    *out++ = ' ';
    out = dialect_ == Dialect::kText ? WriteSigned(out, point.timestamp_ms)
                                     : WriteSeconds(out, point.timestamp_ms);
  }
  *out++ = '\n';
  return out;
}

size_t LineEncoder::AppendPoints(const Point* points, size_t n, OutputBuffer* out) {
  if (!head_.empty() && !AppendHead(out)) return 0;
  if (!quoted_) return AppendSeries(points, n, out);
  for (size_t i = 0; i < n; ++i) {
    Point point = points[i];
    if (point.labels.empty()) {
      labels_.assign("}");
    } else {
      labels_.assign(",").append(point.labels.substr(1));
    }
    point.labels = labels_;
    if (AppendSeries(&point, 1, out) == 0) return i;
  }
  return n;
}

size_t LineEncoder::AppendSeries(const Point* points, size_t n, OutputBuffer* out) {
  bool (LineEncoder::*append)(const Point&, OutputBuffer*) = nullptr;
  switch (type_) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      append = &LineEncoder::AppendHistogram;
      break;
    case MetricType::kSummary:
      append = &LineEncoder::AppendSummary;
      break;
    case MetricType::kStateset:
      append = &LineEncoder::AppendStateset;
      break;
    case MetricType::kCounter:
      if (dialect_ == Dialect::kText) return AppendSingles(points, n, out);
      append = &LineEncoder::AppendCounter;
      break;
    default:
      return AppendSingles(points, n, out);
  }
  for (size_t i = 0; i < n; ++i) {
    if (!(this->*append)(points[i], out)) return i;
  }
  return n;
}

size_t LineEncoder::AppendSingles(const Point* points, size_t n, OutputBuffer* out) {
  for (size_t i = 0; i < n; ++i) {
    const Point& point = points[i];
    char* at = out->Claim(name_.size() + point.labels.size() + kTailBytes);
    if (at == nullptr) return i;
    at = name_.CopyTo(at);
    at = CopyLabels(at, point.labels);
    *at++ = ' ';
    at = point.is_integer ? WriteUnsigned(at, point.integer) : WriteValue(at, point.value);
    out->Commit(EndLine(at, point));
  }
  return n;
}

bool LineEncoder::AppendCounter(const Point& point, OutputBuffer* out) {
  const Exemplar* exemplar = ExemplarOf(point, 0);
  const size_t line_bytes = created_name_.size() + point.labels.size() + kTailBytes;
  // Both lines or none.
  char* at = out->Claim(2 * line_bytes + ExemplarBytes(exemplar));
  if (at == nullptr) return false;
  at = name_.CopyTo(at);
  at = CopyLabels(at, point.labels);
  *at++ = ' ';
  at = point.is_integer ? WriteUnsigned(at, point.integer) : WriteValue(at, point.value);
  at = EndLine(at, point);
  if (exemplar != nullptr) {
    at = WriteExemplar(at - 1, *exemplar);
    *at++ = '\n';
  }
  out->Commit(WriteCreated(at, point));
  return true;
}

// Nothing where it is not known. REQUIRES: a line of the point is claimed.
char* LineEncoder::WriteCreated(char* out, const Point& point) const {
  if (!created_ || point.created_ms <= 0) return out;
  out = created_name_.CopyTo(out);
  out = CopyLabels(out, point.labels);
  *out++ = ' ';
  return EndLine(WriteSeconds(out, point.created_ms), point);
}

void LineEncoder::MakeSeriesPrefix(const PaddedText& name, std::string_view labels) {
  series_.Clear();
  series_.Append(name.view());
  if (labels.empty()) {
    series_.Append("{");
  } else {
    series_.Append(labels.substr(0, labels.size() - 1));
    series_.Append(",");
  }
}

bool LineEncoder::AppendBuckets(const Point& point, OutputBuffer* out) {
  const size_t line_bytes = series_.size() + NumberLabels::kMaxBytes + kTailBytes;
  const bool exemplars = point.n_exemplars != 0 && dialect_ == Dialect::kOpenMetrics;
  for (; line_ < buckets_.size(); ++line_) {
    const Exemplar* exemplar = exemplars ? ExemplarOf(point, line_) : nullptr;
    char* at = out->Claim(line_bytes + ExemplarBytes(exemplar));
    if (at == nullptr) return false;
    cumulative_ += point.counts[line_];
    at = series_.CopyTo(at);
    at = buckets_.CopyTo(at, line_);
    at = EndLine(WriteUnsigned(at, cumulative_), point);
    if (exemplar != nullptr) {
      at = WriteExemplar(at - 1, *exemplar);
      *at++ = '\n';
    }
    out->Commit(at);
  }
  return true;
}

bool LineEncoder::AppendHistogram(const Point& point, OutputBuffer* out) {
  if (line_ == 0) {
    buckets_.Use(point.bounds, point.n_bounds);
    MakeSeriesPrefix(bucket_name_, point.labels);
    cumulative_ = 0;
  }
  return AppendBuckets(point, out) && AppendTail(point, cumulative_, out);
}

bool LineEncoder::AppendSummary(const Point& point, OutputBuffer* out) {
  if (line_ == 0) {
    quantiles_.Use(point.quantiles, point.n_quantiles);
    MakeSeriesPrefix(name_, point.labels);
  }
  const size_t line_bytes = series_.size() + NumberLabels::kMaxBytes + kTailBytes;
  for (; line_ < quantiles_.size(); ++line_) {
    const double value = point.quantile_values[line_];
    if (value < 0 && dialect_ == Dialect::kOpenMetrics) continue;
    char* at = out->Claim(line_bytes);
    if (at == nullptr) return false;
    at = series_.CopyTo(at);
    at = quantiles_.CopyTo(at, line_);
    out->Commit(EndLine(WriteValue(at, value), point));
  }
  return AppendTail(point, point.integer, out);
}

bool LineEncoder::HasSum(const Point& point) const {
  if (!point.has_sum || dialect_ == Dialect::kText) return point.has_sum;
  if (type_ == MetricType::kGaugeHistogram) {
    return HasNegativeBounds(point) ? !std::isnan(point.sum) : point.sum >= 0;
  }
  if (type_ == MetricType::kHistogram && HasNegativeBounds(point)) return false;
  return point.sum >= 0;
}

// The lines behind the buckets or quantiles.
bool LineEncoder::AppendTail(const Point& point, uint64_t count, OutputBuffer* out) {
  const size_t line_bytes = created_name_.size() + point.labels.size() + kTailBytes;
  // All lines or none, so that line_ need not tell them apart.
  char* at = out->Claim(3 * line_bytes);
  if (at == nullptr) return false;
  const bool has_sum = HasSum(point);
  if (has_sum) {
    at = sum_name_.CopyTo(at);
    at = CopyLabels(at, point.labels);
    *at++ = ' ';
    at = EndLine(WriteValue(at, point.sum), point);
  }
  if (has_sum || dialect_ == Dialect::kText || type_ == MetricType::kSummary) {
    at = count_name_.CopyTo(at);
    at = CopyLabels(at, point.labels);
    *at++ = ' ';
    at = EndLine(WriteUnsigned(at, count), point);
  }
  out->Commit(WriteCreated(at, point));
  line_ = 0;
  return true;
}

bool LineEncoder::AppendStateset(const Point& point, OutputBuffer* out) {
  if (point.n_states == 0) return AppendSingles(&point, 1, out) == 1;
  if (line_ == 0) MakeSeriesPrefix(name_, point.labels);
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
