// SPDX-License-Identifier: MIT
#include "gather/name_index.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "metrics/names.hpp"
#include "metrics/sample_suffixes.hpp"

namespace promplug {
namespace {

bool HasSuffix(MetricType type, std::string_view name, std::string_view suffix) {
  const auto all = SampleSuffixes(type, name);
  return std::find(all.begin(), all.end(), suffix) != all.end();
}

std::string_view Without(std::string_view name, std::string_view suffix) {
  return name.substr(0, name.size() - suffix.size());
}

// The names with kDots and kValues.
std::vector<std::string> OtherForms(const NameIndex::Entry& entry) {
  std::vector<std::string> forms(2);
  AppendEscapedMetricName(&forms[0], entry.name, Escaping::kDots);
  AppendEscapedMetricName(&forms[1], entry.name, Escaping::kValues);
  return forms;
}

}  // namespace

void NameIndex::Add(std::string_view name, MetricType type, size_t id) {
  Entry& entry = entries_.emplace_back();
  entry.name = entry.shown = name;
  entry.type = type;
  entry.id = id;
  entry.is_plain = IsValidMetricName(name);
  if (entry.is_plain) return;
  AppendEscapedMetricName(&shown_.emplace_back(), name, Escaping::kUnderscores);
  entry.shown = shown_.back();
}

void NameIndex::Seal() {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.shown < b.shown; });
}

// The accepted one that is shown as prefix + suffix.
const NameIndex::Entry* NameIndex::Find(std::string_view prefix, std::string_view suffix) const {
  const auto compare = [&](const Entry& entry) {
    const int start = entry.shown.substr(0, prefix.size()).compare(prefix);
    return start != 0 ? start : entry.shown.substr(prefix.size()).compare(suffix);
  };
  auto found = std::lower_bound(entries_.begin(), entries_.end(), 0,
                                [&](const Entry& entry, int) { return compare(entry) < 0; });
  for (; found != entries_.end() && compare(*found) == 0; ++found) {
    if (found->accepted) return &*found;
  }
  return nullptr;
}

// The accepted one that has a line of this name: its own with a suffix.
const NameIndex::Entry* NameIndex::FindHolder(std::string_view name) const {
  for (const std::string_view suffix : AllSampleSuffixes()) {
    if (!name.ends_with(suffix)) continue;
    const Entry* holder = Find(Without(name, suffix), {});
    if (holder != nullptr && HasSuffix(holder->type, holder->shown, suffix)) return holder;
  }
  return nullptr;
}

// Two families can only meet where the plain name of one is the other's, with a suffix or without.
const NameIndex::Entry* NameIndex::FindClash(MetricType type, std::string_view shown) const {
  if (const Entry* same = Find(shown, {})) return same;
  for (const std::string_view suffix : SampleSuffixes(type, shown)) {
    if (const Entry* other = Find(shown, suffix)) return other;
  }
  return FindHolder(shown);
}

// Names that are not plain and equal with kDots are equal with kUnderscores, and with kValues they
// never are: only one of each kind can meet here.
const NameIndex::Entry* NameIndex::FindOtherForm(const Entry& entry) const {
  if (!entry.is_plain) {
    for (const std::string& form : OtherForms(entry)) {
      if (const Entry* clash = FindClash(entry.type, form)) return clash;
    }
    return nullptr;
  }
  if (other_forms_.empty()) return nullptr;
  std::vector<std::string> names = {std::string(entry.shown)};
  for (const std::string_view suffix : SampleSuffixes(entry.type, entry.shown)) {
    names.push_back(names[0] + std::string(suffix));
  }
  for (const std::string& name : names) {
    const auto found = other_forms_.find(name);
    if (found != other_forms_.end()) return found->second;
  }
  return nullptr;
}

void NameIndex::KeepOtherForms(const Entry& entry) {
  for (const std::string& form : OtherForms(entry)) {
    other_forms_.emplace(form, &entry);
    for (const std::string_view suffix : SampleSuffixes(entry.type, form)) {
      other_forms_.emplace(form + std::string(suffix), &entry);
    }
  }
}

const NameIndex::Entry* NameIndex::Accept(size_t i) {
  Entry& entry = entries_[i];
  if (const Entry* clash = FindClash(entry.type, entry.shown)) return clash;
  if (const Entry* clash = FindOtherForm(entry)) return clash;
  entry.accepted = true;
  if (!entry.is_plain) KeepOtherForms(entry);
  return nullptr;
}

// Whether another name begins with the stem: those that do stand together.
bool NameIndex::HasNeighbour(size_t i, std::string_view stem) const {
  return (i > 0 && entries_[i - 1].shown.starts_with(stem)) ||
         (i + 1 < entries_.size() && entries_[i + 1].shown.starts_with(stem));
}

// Whether another accepted one is called so in OpenMetrics, or a line of it.
bool NameIndex::IsCalled(std::string_view name, const Entry& except) const {
  const auto other = [&](const Entry* entry, MetricType type) {
    return entry != nullptr && entry != &except && entry->type == type;
  };
  constexpr std::string_view kCreated = "_created";
  const std::string_view total = OpenMetricsSuffix(MetricType::kCounter);
  const std::string_view info = OpenMetricsSuffix(MetricType::kInfo);
  const Entry* same = Find(name, {});
  if (same != nullptr && same != &except) return true;
  const Entry* holder = FindHolder(name);
  if (holder != nullptr && holder != &except) return true;
  const auto form = other_forms_.find(name);
  if (form != other_forms_.end() && form->second != &except) return true;
  if (other(Find(name, total), MetricType::kCounter)) return true;
  if (other(Find(name, info), MetricType::kInfo)) return true;
  if (name.ends_with(total) && other(Find(Without(name, total), {}), MetricType::kCounter)) {
    return true;
  }
  if (!name.ends_with(kCreated)) return false;
  const std::string_view base = Without(name, kCreated);
  return other(Find(base, {}), MetricType::kCounter) ||
         other(Find(base, total), MetricType::kCounter);
}

bool NameIndex::ClashesInOpenMetrics(size_t i) const {
  const Entry& entry = entries_[i];
  const std::string_view suffix = OpenMetricsSuffix(entry.type);
  std::string_view stem = entry.shown;
  if (stem.ends_with(suffix)) stem.remove_suffix(suffix.size());
  std::vector<std::string> forms;
  if (!entry.is_plain) forms = OtherForms(entry);
  // Most names have nothing to do with each other, and are looked at for each gather.
  const auto& all = AllSampleSuffixes();
  const bool ends_in_one = stem.ends_with(OpenMetricsSuffix(MetricType::kCounter)) ||
                           std::any_of(all.begin(), all.end(), [stem](std::string_view other) {
                             return stem.ends_with(other);
                           });
  if (ends_in_one || other_forms_.size() > forms.size() || HasNeighbour(i, stem)) {
    forms.emplace_back(entry.shown);
  }
  for (const std::string& form : forms) {
    for (const std::string& name : OpenMetricsNames(entry.type, form)) {
      if (IsCalled(name, entry)) return true;
    }
  }
  return false;
}

}  // namespace promplug
