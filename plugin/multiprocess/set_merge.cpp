// SPDX-License-Identifier: MIT
#include "multiprocess/set_merge.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/text.hpp"
#include "multiprocess/merge_rules.hpp"
#include "multiprocess/merged_family.hpp"
#include "multiprocess/merged_points.hpp"
#include "multiprocess/part_arena.hpp"

namespace promplug {

class SetMerge::Impl {
 public:
  explicit Impl(Refuse refuse) : refuse_(std::move(refuse)) {}

  void Add(const PartHead& head, const PartOwner& owner, PartPoints* points) {
    if (owner.state != PartOwner::State::kLive && !CountsAfterTheEnd(head)) return;
    Names& names = NamesOf(head.kind);
    const auto found = names.find(head.head.name);
    if (found == names.end()) {
      families_.push_back(std::make_unique<MergedFamily>(head, owner, &arena_));
      MergedFamily* family = families_.back().get();
      names.emplace(family->head().head.name, family);
      return family->Add(head, owner, points, refuse_);
    }
    if (!Fits(*found->second, head, owner)) return;
    MergedFamily* family = found->second;
    const PartOwner& first = family->first_owner();
    if (family->rule() == MergeRule::kNewest && first.worker != owner.worker) {
      if (owner.published_ms <= first.published_ms) return;
      names.erase(found);
      family = Replace(family, head, owner);
      names.emplace(family->head().head.name, family);
    }
    family->Add(head, owner, points, refuse_);
  }

  const MergedFamily* Find(PartKind kind, std::string_view name) const {
    const Names& names = kind == PartKind::kInstruments ? instruments_ : others_;
    const auto found = names.find(name);
    return found == names.end() ? nullptr : found->second;
  }

  const std::vector<std::unique_ptr<MergedFamily>>& families() const { return families_; }

 private:
  using Names = std::unordered_map<std::string_view, MergedFamily*>;

  Names& NamesOf(PartKind kind) { return kind == PartKind::kInstruments ? instruments_ : others_; }

  MergedFamily* Replace(const MergedFamily* family, const PartHead& head, const PartOwner& owner) {
    const auto place = std::find_if(families_.begin(), families_.end(),
                                    [&](const auto& each) { return each.get() == family; });
    *place = std::make_unique<MergedFamily>(head, owner, &arena_);
    return place->get();
  }

  bool Fits(const MergedFamily& family, const PartHead& head, const PartOwner& owner) {
    const FamilyHead& first = family.head().head;
    const auto who = [&] { return "family " + Quoted(first.name) + " of " + OwnerName(owner); };
    if (head.head.type != first.type) {
      refuse_("type", first.name,
              who() + " is left out: it is a " + std::string(TypeName(head.head.type)) +
                  ", but a " + std::string(TypeName(first.type)) + " in " +
                  OwnerName(family.first_owner()));
      return false;
    }
    const MergeRule rule = MergeRuleOf(head);
    if (rule != family.rule()) {
      refuse_("type", first.name,
              who() + " is left out: its process mode asks for " + std::string(RuleName(rule)) +
                  ", but for " + std::string(RuleName(family.rule())) + " in " +
                  OwnerName(family.first_owner()));
      return false;
    }
    // Who says no help does not contradict.
    if (!head.head.help.empty() && head.head.help != first.help) {
      refuse_("help", first.name,
              who() + " has another help, which gives way to that of " +
                  OwnerName(family.first_owner()));
    }
    return true;
  }

  const Refuse refuse_;
  PartArena arena_;
  std::vector<std::unique_ptr<MergedFamily>> families_;
  // The texts are the families'.
  Names instruments_;
  Names others_;
};

SetMerge::SetMerge(Refuse refuse) : impl_(std::make_unique<Impl>(std::move(refuse))) {}
SetMerge::~SetMerge() = default;

void SetMerge::Add(const PartHead& head, const PartOwner& owner, PartPoints* points) {
  impl_->Add(head, owner, points);
}

bool SetMerge::HasLive(const PartHead& head, std::string_view labels) const {
  const MergedFamily* family = impl_->Find(head.kind, head.head.name);
  if (family == nullptr || family->head().head.type != head.head.type ||
      family->rule() != MergeRuleOf(head)) {
    return false;
  }
  const MergedRow* row = family->Find(labels);
  return row != nullptr && row->is_live;
}

size_t SetMerge::n_families() const { return impl_->families().size(); }

const PartHead& SetMerge::Head(size_t i) const { return impl_->families()[i]->head(); }

std::unique_ptr<PointSource> SetMerge::Read(size_t i) const {
  return std::make_unique<MergedPoints>(impl_->families()[i].get());
}

std::unique_ptr<PartPoints> SetMerge::ReadParts(size_t i) const {
  return std::make_unique<MergedParts>(impl_->families()[i].get());
}

}  // namespace promplug
