// SPDX-License-Identifier: MIT
#include "gather/merge.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "base/text.hpp"
#include "gather/name_index.hpp"
#include "gather/series_set.hpp"
#include "metrics/labels.hpp"
#include "metrics/sample_suffixes.hpp"

namespace promplug {
namespace {

// What the parts of one family share while they are read, one after the other.
struct FamilySeries {
  std::string name;
  bool quoted = false;  // some label names may be
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
    if (family_->seen.InsertSeries(point.labels, family_->quoted)) return true;
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
        groups_.push_back({i, i});
        names_.Add(At(i).head.name, At(i).head.type, groups_.size() - 1);
      }
      groups_.back().end = i + 1;
    }
    names_.Seal();
  }

  Gathering Run(const NameFilter& filter) {
    RefuseClashes();
    Gathering gathering;
    for (size_t i = 0; i < names_.entries().size(); ++i) {
      const NameIndex::Entry& entry = names_.entries()[i];
      if (!entry.accepted || !filter.Matches(entry.type, entry.name)) continue;
      gathering.families.push_back(MakeFamily(groups_[entry.id]));
      FamilyHead& head = gathering.families.back().head;
      if (!OpenMetricsSuffix(entry.type).empty() && names_.ClashesInOpenMetrics(i)) {
        head.plain_in_open_metrics = true;
      }
    }
    return gathering;
  }

 private:
  SourceFamily& At(size_t i) { return families_[order_[i]]; }
  SourceFamily& First(const Group& group) { return At(group.begin); }

  void RefuseClashes() {
    const auto rank = [&](size_t i) { return order_[groups_[names_.entries()[i].id].begin]; };
    std::vector<size_t> by_precedence(groups_.size());
    std::iota(by_precedence.begin(), by_precedence.end(), size_t{0});
    std::sort(by_precedence.begin(), by_precedence.end(),
              [&](size_t a, size_t b) { return rank(a) < rank(b); });
    for (const size_t i : by_precedence) {
      const NameIndex::Entry* other = names_.Accept(i);
      if (other == nullptr) continue;
      const SourceFamily& family = First(groups_[names_.entries()[i].id]);
      refusals_->Refuse("name", family.head.name,
                        "family " + Quoted(family.head.name) + " of " + std::string(family.source) +
                            " is left out: it has a sample name in common with " +
                            Quoted(other->name) + " of " +
                            std::string(First(groups_[other->id]).source));
    }
  }

  GatheredFamily MakeFamily(const Group& group) {
    const SourceFamily& first = First(group);
    GatheredFamily made;
    made.head = first.head;
    std::vector<SourceFamily*> parts;
    for (size_t i = group.begin; i < group.end; ++i) {
      if (i != group.begin && !Fits(first, At(i))) continue;
      parts.push_back(&At(i));
      made.head.quoted_labels |= At(i).head.quoted_labels;
      made.head.plain_in_open_metrics |= At(i).head.plain_in_open_metrics;
    }
    if (parts.size() == 1) {
      made.parts.push_back(parts[0]->open());
      return made;
    }
    // The states of one series may come from several parts.
    if (first.head.type == MetricType::kStateset) made.head.plain_in_open_metrics = true;
    auto series = std::make_shared<FamilySeries>();
    series->name = first.head.name;
    series->quoted = made.head.quoted_labels;
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
  NameIndex names_;            // their numbers are those of groups_
};

}  // namespace

Gathering Merge(std::vector<SourceFamily> families, const NameFilter& filter,
                const std::shared_ptr<Refusals>& refusals) {
  return Merger(std::move(families), refusals).Run(filter);
}

}  // namespace promplug
