// SPDX-License-Identifier: MIT
#include <algorithm>
#include <numeric>
#include <vector>

#include "base/text.hpp"
#include "config/keys.hpp"

namespace promplug {
namespace {

constexpr size_t kFar = 1000;
// A longer name is no misspelling, and the distance costs the product of the lengths.
constexpr size_t kLongestName = 64;

std::string_view Section(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : name.substr(0, dot + 1);
}

std::string_view LastPart(std::string_view name) { return name.substr(Section(name).size()); }

// Levenshtein's.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

// Small for what a person may have meant: a misspelling, the right name in the wrong section, or
// the name without its unit.
size_t Unlikeness(std::string_view found, std::string_view known) {
  if (found.size() > kLongestName) return kFar;
  if (LastPart(found) == LastPart(known)) return 1;
  if (known.starts_with(found) && Section(known) == Section(found)) return 2;
  const size_t distance = Distance(found, known);
  return distance <= std::max<size_t>(2, LastPart(found).size() / 4) ? distance : kFar;
}

}  // namespace

std::string_view NearestName(std::string_view name, std::span<const std::string_view> known) {
  std::string_view nearest;
  size_t lowest = kFar;
  for (const std::string_view candidate : known) {
    const size_t unlikeness = Unlikeness(name, candidate);
    if (unlikeness < lowest) {
      lowest = unlikeness;
      nearest = candidate;
    }
  }
  return nearest;
}

Status UnknownKey(std::string_view where, std::string_view name,
                  std::span<const std::string_view> known) {
  const std::string_view nearest = NearestName(name, known);
  std::string section;
  for (const std::string_view candidate : known) {
    if (Section(candidate) == Section(name)) {
      section.append(section.empty() ? "" : ", ").append(LastPart(candidate));
    }
  }
  std::string text(where);
  text.append(": unknown key ").append(Quoted(name));
  if (!nearest.empty()) {
    text.append(", did you mean ").append(Quoted(nearest)).append("?");
  } else {
    text.append(", expected one of ").append(section);
  }
  return {Code::kConfig, std::move(text)};
}

}  // namespace promplug
