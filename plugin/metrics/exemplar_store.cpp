// SPDX-License-Identifier: MIT
#include "metrics/exemplar_store.hpp"

#include <algorithm>

#include "metrics/labels.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxCharacters = 128;

size_t CountCharacters(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace

bool IsGoodExemplar(std::string_view rendered_labels) {
  size_t characters = 0;
  std::string plain;
  for (LabelReader reader(rendered_labels); reader.Next();) {
    plain.clear();
    AppendUnescapedLabelValue(&plain, reader.escaped_value());
    if (reader.is_quoted()) return false;
    characters += reader.escaped_name().size() + CountCharacters(plain);
  }
  return characters > 0 && characters <= kMaxCharacters;
}

ExemplarStore::Kept* ExemplarStore::Place(const Series* series, uint32_t bucket) {
  std::vector<Kept>& row = rows_[series];
  auto at = std::lower_bound(row.begin(), row.end(), bucket, [](const Kept& kept, uint32_t wanted) {
    return kept.bucket < wanted;
  });
  if (at == row.end() || at->bucket != bucket) {
    at = row.insert(at, Kept());
    at->bucket = bucket;
  }
  return &*at;
}

const std::vector<ExemplarStore::Kept>* ExemplarStore::Find(const Series* series) const {
  const auto found = rows_.find(series);
  return found == rows_.end() ? nullptr : &found->second;
}

}  // namespace promplug
