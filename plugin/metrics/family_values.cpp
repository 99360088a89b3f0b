// SPDX-License-Identifier: MIT
// How a family tells its series apart by their label values.
#include "metrics/family.hpp"

namespace promplug {

uint64_t Family::HashValues(const std::string_view* values, size_t n) const {
  uint64_t hash = context_->hash_seed;
  for (size_t i = 0; i < n; ++i) hash = HashBytes(values[i], hash);
  return hash;
}

bool Family::HasValues(const Series& series, const std::string_view* values, size_t n) const {
  if ((series.flags_.load(std::memory_order_relaxed) & Series::kEscaped) != 0) {
    return HasEscapedValues(series, values, n);
  }
  // Without escapes the text is the values with the names around them, so that equal pieces and an
  // equal length mean equal values.
  const std::string_view text(reinterpret_cast<const char*>(series.cell() + words_per_cell_),
                              series.label_bytes_);
  size_t at = shape_.const_labels.empty() ? 0 : shape_.const_labels.size() + 1;
  for (size_t i = 0; i < n; ++i) {
    // One brace or comma, the name, equals sign and quote.
    at += shape_.label_names[i].size() + 3;
    const std::string_view value = values[i];
    if (at + value.size() + 2 > text.size() || text[at + value.size()] != '"' ||
        !EqualBytes(text.data() + at, value.data(), value.size())) {
      return false;
    }
    at += value.size() + 1;
  }
  return n == 0 || at + 1 == text.size();
}

bool Family::HasEscapedValues(const Series& series, const std::string_view* values,
                              size_t n) const {
  LabelReader reader(series.labels());
  for (size_t i = 0; i < shape_.n_const_labels; ++i) reader.Next();
  std::string plain;
  for (size_t i = 0; i < n; ++i) {
    plain.clear();
    if (!reader.Next()) return false;
    AppendUnescapedLabelValue(&plain, reader.escaped_value());
    if (plain != values[i]) return false;
  }
  return true;
}

uint64_t Family::HashOf(const Series& series) const {
  LabelReader reader(series.labels());
  for (size_t i = 0; i < shape_.n_const_labels; ++i) reader.Next();
  uint64_t hash = context_->hash_seed;
  std::string plain;
  while (reader.Next()) {
    plain.clear();
    AppendUnescapedLabelValue(&plain, reader.escaped_value());
    hash = HashBytes(plain, hash);
  }
  return hash;
}

}  // namespace promplug
