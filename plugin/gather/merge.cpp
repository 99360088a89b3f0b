// SPDX-License-Identifier: MIT
#include "gather/merge.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "gather/series_set.hpp"
#include "metrics/labels.hpp"

namespace promplug {
namespace {

// What the parts of one family share while they are read, one after the other.
struct FamilySeries {
  std::string name;
  SeriesSet seen;
  std::shared_ptr<Refusals> refusals;
};

// Leaves out the series that an earlier part had.
class DistinctPoints final : public PointSource {
 public:
  DistinctPoints(std::unique_ptr<PointSource> points, std::shared_ptr<FamilySeries> family)
      : points_(std::move(points)), family_(std::move(family)) {}

  size_t Next(Point* out, size_t max) override {
    for (;;) {
      const size_t n = points_->Next(out, max);
      if (n == 0) return 0;
      size_t kept = 0;
      for (size_t i = 0; i < n; ++i) {
        if (!IsNew(out[i])) continue;
        if (kept != i) out[kept] = out[i];
        ++kept;
      }
      if (kept > 0) return kept;
    }
  }

 private:
  bool IsNew(const Point& point) {
    if (family_->seen.Insert(HashLabelSet(point.labels))) return true;
    family_->refusals->Refuse(
        "duplicate", family_->name,
        "series " + family_->name + std::string(point.labels) + " comes from two sources");
    return false;
  }

  std::unique_ptr<PointSource> points_;
  std::shared_ptr<FamilySeries> family_;
};

// The families of one name: [begin, end) of the sorted order, the first of them in front.
struct Group {
  size_t begin = 0;
  size_t end = 0;
  bool refused = false;
};

class Merger {
 public:
  Merger(std::vector<SourceFamily> families, const std::shared_ptr<Refusals>& refusals)
      : families_(std::move(families)), refusals_(refusals), order_(families_.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    // Stable: within a name the order stays that of precedence.
    std::stable_sort(order_.begin(), order_.end(), [&](size_t a, size_t b) {
      return families_[a].head.name < families_[b].head.name;
    });
    for (size_t i = 0; i < order_.size(); ++i) {
      if (groups_.empty() || First(groups_.back()).head.name != At(i).head.name) {
        groups_.push_back({i, i, false});
      }
      groups_.back().end = i + 1;
    }
  }

  Gathering Run(const NameFilter& filter) {
    RefuseClashes();
    Gathering gathering;
    for (const Group& group : groups_) {
      const FamilyHead& head = First(group).head;
      if (group.refused || !filter.Matches(head.type, head.name)) continue;
      gathering.families.push_back(MakeFamily(group));
    }
    return gathering;
  }

 private:
  SourceFamily& At(size_t i) { return families_[order_[i]]; }
  SourceFamily& First(const Group& group) { return At(group.begin); }

  // The accepted group of this name, which is prefix + suffix.
  Group* Find(std::string_view prefix, std::string_view suffix) {
    const size_t length = prefix.size() + suffix.size();
    const auto less = [&](Group& group, int) {
      const std::string_view name = First(group).head.name;
      const int start = name.substr(0, prefix.size()).compare(prefix);
      if (start != 0) return start < 0;
      return name.substr(prefix.size()) < suffix;
    };
    const auto found = std::lower_bound(groups_.begin(), groups_.end(), 0, less);
    if (found == groups_.end()) return nullptr;
    const std::string_view name = First(*found).head.name;
    const bool same = name.size() == length && name.starts_with(prefix) && name.ends_with(suffix);
    return same ? &*found : nullptr;
  }

  // The one before `group` in precedence that has a sample name in common with it. Two different
  // families can only meet where the plain name of one is the other's with a suffix.
  Group* ClashOf(const Group& group) {
    const size_t rank = order_[group.begin];
    const FamilyHead& head = First(group).head;
    const auto counts = [&](const Group* other) {
      return other != nullptr && !other->refused && order_[other->begin] < rank;
    };
    for (const std::string_view suffix : SampleSuffixes(head.type, head.name)) {
      Group* other = Find(head.name, suffix);
      if (counts(other)) return other;
    }
    for (const std::string_view suffix : AllSampleSuffixes()) {
      if (!head.name.ends_with(suffix)) continue;
      const std::string_view base = head.name.substr(0, head.name.size() - suffix.size());
      Group* other = Find(base, {});
      if (!counts(other)) continue;
      const auto theirs = SampleSuffixes(First(*other).head.type, base);
      if (std::find(theirs.begin(), theirs.end(), suffix) != theirs.end()) return other;
    }
    return nullptr;
  }

  void RefuseClashes() {
    std::vector<Group*> by_precedence;
    by_precedence.reserve(groups_.size());
    for (Group& group : groups_) by_precedence.push_back(&group);
    std::sort(by_precedence.begin(), by_precedence.end(),
              [&](const Group* a, const Group* b) { return order_[a->begin] < order_[b->begin]; });
    for (Group* group : by_precedence) {
      const Group* other = ClashOf(*group);
      if (other == nullptr) continue;
      group->refused = true;
      const SourceFamily& family = First(*group);
      refusals_->Refuse("name", family.head.name,
                        "family " + Quoted(family.head.name) + " of " + std::string(family.source) +
                            " is left out: it has a sample name in common with " +
                            Quoted(First(*other).head.name) + " of " +
                            std::string(First(*other).source));
    }
  }

  GatheredFamily MakeFamily(const Group& group) {
    const SourceFamily& first = First(group);
    GatheredFamily made;
    made.head = first.head;
    std::vector<SourceFamily*> parts;
    for (size_t i = group.begin; i < group.end; ++i) {
      if (i == group.begin || Fits(first, At(i))) parts.push_back(&At(i));
    }
    if (parts.size() == 1) {
      made.parts.push_back(parts[0]->open());
      return made;
    }
    auto series = std::make_shared<FamilySeries>();
    series->name = first.head.name;
    series->refusals = refusals_;
    for (const SourceFamily* part : parts) {
      made.parts.push_back(std::make_unique<DistinctPoints>(part->open(), series));
    }
    return made;
  }

  bool Fits(const SourceFamily& first, const SourceFamily& later) {
    const auto refuse = [&](std::string_view reason, const char* what) {
      refusals_->Refuse(reason, later.head.name,
                        "family " + Quoted(later.head.name) + " of " + std::string(later.source) +
                            what + std::string(first.source));
    };
    if (later.head.type != first.head.type) {
      refuse("type", " is left out: its type is not that of ");
      return false;
    }
    // A source that says no help does not contradict.
    if (!later.head.help.empty() && later.head.help != first.head.help) {
      refuse("help", " has another help, which gives way to that of ");
    }
    return true;
  }

  std::vector<SourceFamily> families_;
  const std::shared_ptr<Refusals>& refusals_;
  std::vector<size_t> order_;  // indices of families_ by name, then by precedence
  std::vector<Group> groups_;  // by name
};

}  // namespace

Gathering Merge(std::vector<SourceFamily> families, const NameFilter& filter,
                const std::shared_ptr<Refusals>& refusals) {
  return Merger(std::move(families), refusals).Run(filter);
}

}  // namespace promplug
