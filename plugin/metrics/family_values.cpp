// SPDX-License-Identifier: MIT
// How a family tells its series apart by their label values, and updates one that it finds by them.
#include "metrics/family.hpp"

namespace promplug {
inline uint64_t Family::HashValues(const std::string_view* values, size_t n) const {
  // None waits for the hash of another, so that the processor works at all of them at once.
  uint64_t hash = 0;
  uint64_t seed = context_->hash_seed;
  for (size_t i = 0; i < n; ++i, seed = NextSeed(seed)) hash += HashBytes(values[i], seed);
  return hash;
}

inline bool Family::HasValues(const Series& series, const std::string_view* values,
                              size_t n) const {
  if ((series.flags_.load(std::memory_order_relaxed) & Series::kEscaped) != 0) [[unlikely]]
    return HasEscapedValues(series, values, n);
  // Without escapes the text is the values with the names around them, so that equal pieces and an
  // equal length mean equal values.
  const char* const text = reinterpret_cast<const char*>(series.cell() + words_per_cell_);
  const size_t bytes = series.label_bytes_;
  size_t at = shape_.const_labels.empty() ? 0 : shape_.const_labels.size() + 1;
  for (size_t i = 0; i < n; ++i) {
    // One brace or comma, the name, equals sign and quote.
    at += shape_.label_names[i].size() + 3;
    const std::string_view value = values[i];
    const size_t end = at + value.size();
    if (end + 2 > bytes || text[end] != '"' || !EqualBytes(text + at, value.data(), value.size())) {
      return false;
    }
    at = end + 1;
  }
  return n == 0 || at + 1 == bytes;
}

Series* Family::Find(const std::string_view* values, size_t n, uint64_t* hash) const {
  *hash = HashValues(values, n);
  const auto low = static_cast<uint32_t>(*hash);
  return table_.Find(*hash, [&](const Series& series) {
    return series.hash_ == low && HasValues(series, values, n);
  });
}

bool Family::ApplyHot(Series* series, UpdateOp op, double value) {
  const MetricType type = shape_.type;
  if (op == UpdateOp::kAdd) {
    if (type == MetricType::kCounter) [[likely]]
      return series->CounterAdd(value), true;
    if (type != MetricType::kGauge) return false;
    series->GaugeAdd(value);
  } else if (op == UpdateOp::kSet) {
    if (type != MetricType::kGauge) return false;
    series->GaugeSet(value);
  } else {
    if (type != MetricType::kHistogram) return false;
    series->Observe(value);
  }
  return true;
}

bool Family::UpdatePresent(const std::string_view* values, size_t n, UpdateOp op, double value) {
  if (n != shape_.label_names.size()) return false;
  const ReadSections::Guard section = context_->sections->Enter();
  uint64_t hash = 0;
  Series* series = Find(values, n, &hash);
  if (series == nullptr) return false;
  if ((series->route_.load(std::memory_order_acquire) & Series::kDead) != 0) return false;
  return ApplyHot(series, op, value);
}

bool Family::HasEscapedValues(const Series& series, const std::string_view* values,
                              size_t n) const {
  LabelReader reader(series.labels());
  for (size_t i = 0; i < shape_.n_const_labels; ++i) reader.Next();
  for (size_t i = 0; i < n; ++i) {
    if (!reader.Next() || !IsEscapedAs(values[i], reader.escaped_value())) return false;
  }
  return true;
}

uint64_t Family::HashOf(const Series& series) const {
  LabelReader reader(series.labels());
  for (size_t i = 0; i < shape_.n_const_labels; ++i) reader.Next();
  uint64_t hash = 0;
  uint64_t seed = context_->hash_seed;
  std::string plain;
  for (; reader.Next(); seed = NextSeed(seed)) {
    plain.clear();
    AppendUnescapedLabelValue(&plain, reader.escaped_value());
    hash += HashBytes(plain, seed);
  }
  return hash;
}

}  // namespace promplug
