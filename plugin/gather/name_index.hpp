// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

// The families of one gather by name, to find those that cannot stand side by side since lines of
// the two have the same name for some reader. Not thread-safe.
class NameIndex {
 public:
  struct Entry {
    std::string_view name;  // as the source says it
    MetricType type = MetricType::kUntyped;
    size_t id = 0;           // the caller's
    std::string_view shown;  // with kUnderscores
    bool is_plain = true;
    bool accepted = false;
  };

  // The names must outlive this.
  void Add(std::string_view name, MetricType type, size_t id);
  // Ends the adding: entries() are sorted by `shown`.
  void Seal();
  const std::vector<Entry>& entries() const { return entries_; }

  // Accepts an entry, unless one that is accepted has a name of it: then that is returned.
  // REQUIRES: sealed; called once for each entry.
  const Entry* Accept(size_t i);

  // Whether what OpenMetrics calls the entry, a counter or info family, is what another accepted
  // one is called. REQUIRES: every entry went through Accept().
  bool ClashesInOpenMetrics(size_t i) const;

 private:
  const Entry* Find(std::string_view prefix, std::string_view suffix) const;
  const Entry* FindHolder(std::string_view name) const;
  const Entry* FindClash(MetricType type, std::string_view shown) const;
  const Entry* FindOtherForm(const Entry& entry) const;
  void KeepOtherForms(const Entry& entry);
  bool HasNeighbour(size_t i, std::string_view stem) const;
  bool IsCalled(std::string_view name, const Entry& except) const;

  std::vector<Entry> entries_;
  std::deque<std::string> shown_;  // of names that are not plain
  // What the lines of accepted families whose name is not plain are called with kDots and kValues.
  std::map<std::string, const Entry*, std::less<>> other_forms_;
};

}  // namespace promplug
