// SPDX-License-Identifier: MIT
#include "relay/family_tracker.hpp"

#include <array>

#include "metrics/hash.hpp"

namespace promplug {
namespace {

using Role = FamilyTracker::Role;

constexpr uint64_t kIdentity = ~uint64_t{0xFF};
constexpr uint64_t kTypeBits = 0x0F;
constexpr uint64_t kHasSamples = 0x10;
constexpr uint64_t kRefused = 0x20;
constexpr uint64_t kNameSeed = 0x66616D696C79;

struct Suffix {
  std::string_view text;
  Role role;
};
constexpr std::array<Suffix, 3> kSuffixes = {{
    {"_bucket", Role::kBucket},
    {"_sum", Role::kSum},
    {"_count", Role::kCount},
}};

uint64_t IdOf(std::string_view name) {
  const uint64_t id = HashBytes(name, kNameSeed) & kIdentity;
  return id == 0 ? 1u << 8 : id;
}

TextType TypeIn(uint64_t word) { return static_cast<TextType>(word & kTypeBits); }

// Whether a family of that type has samples NAME + suffix.
bool HasSuffix(TextType type, Role role) {
  return type == TextType::kHistogram || (type == TextType::kSummary && role != Role::kBucket);
}

}  // namespace

FamilyTracker::FamilyTracker() : left_(kIdentity) {}

FamilyTracker::Step FamilyTracker::Type(std::string_view name, TextType type) {
  const Step step = Enter(name);
  if (refused_) return step;
  if (type_ != TextType::kNone) {
    other_type_ = type != type_;
  } else if (!has_samples_) {
    type_ = type;
    refused_ = OwnNamesAreTaken();
  }
  return step;
}

FamilyTracker::Place FamilyTracker::Sample(std::string_view name) {
  Place place;
  if (IsLastSample(name)) {
    place.role = last_role_;
    return place;
  }
  place = FindPlace(name);
  if (place.role != Role::kCreated) {
    has_samples_ = true;
    has_last_ = true;
    last_role_ = place.role;
    if (last_role_ != Role::kPlain) last_sample_ = name;
  }
  return place;
}

bool FamilyTracker::IsLastSample(std::string_view name) const {
  const std::string& last = last_role_ == Role::kPlain ? name_ : last_sample_;
  return has_last_ && name.size() == last.size() &&
         EqualBytes(name.data(), last.data(), last.size());
}

FamilyTracker::Place FamilyTracker::FindPlace(std::string_view sample) {
  Place place;
  if (IsOfCurrent(sample, &place.role)) return place;
  Leave();
  const std::string_view family = FamilyOf(sample);
  if (family.empty()) {
    Begin(sample, IdOf(sample));
    place.step = Step::kNew;
    return place;
  }
  ComeBack(family, IdOf(family));
  place.step = Step::kBack;
  IsOfCurrent(sample, &place.role);
  return place;
}

// Of the families that were left; those that are refused come last. Empty: none.
std::string_view FamilyTracker::FamilyOf(std::string_view sample) {
  std::string_view owner;
  const uint64_t* const exact = left_.Find(IdOf(sample));
  const uint64_t* const by_suffix = FindOwner(sample, &owner);
  const auto stands = [](const uint64_t* word) {
    return word != nullptr && (*word & kRefused) == 0;
  };
  if (stands(exact)) return sample;
  if (stands(by_suffix)) return owner;
  if (exact != nullptr) return sample;
  return by_suffix != nullptr ? owner : std::string_view();
}

FamilyTracker::Step FamilyTracker::Enter(std::string_view name) {
  if (IsCurrent(name)) return Step::kSame;
  Leave();
  const uint64_t id = IdOf(name);
  if (ComeBack(name, id)) return Step::kBack;
  std::string_view owner;
  const uint64_t* const owner_word = FindOwner(name, &owner);
  const bool owned = owner_word != nullptr && (*owner_word & kRefused) == 0;
  Begin(name, id);
  refused_ = owned;
  return Step::kNew;
}

// Whether it is the name of the current family, or was before the first sample.
bool FamilyTracker::IsCurrent(std::string_view name) const {
  if (name.size() != name_.size() && name.size() != declared_length_) return false;
  return !name_.empty() && EqualBytes(name.data(), name_.data(), name.size());
}

void FamilyTracker::Leave() {
  if (name_.empty()) return;
  const uint64_t known =
      static_cast<uint64_t>(type_) | (has_samples_ ? kHasSamples : 0) | (refused_ ? kRefused : 0);
  if (!left_.Insert(id_ | known)) *left_.Find(id_) = id_ | known;
}

void FamilyTracker::Begin(std::string_view name, uint64_t id) {
  name_ = name;
  has_last_ = false;
  id_ = id;
  declared_length_ = name.size();
  type_ = TextType::kNone;
  has_samples_ = false;
  refused_ = false;
  other_type_ = false;
}

bool FamilyTracker::ComeBack(std::string_view name, uint64_t id) {
  const uint64_t* const word = left_.Find(id);
  if (word == nullptr) return false;
  const uint64_t known = *word;
  Begin(name, id);
  type_ = TypeIn(known);
  has_samples_ = (known & kHasSamples) != 0;
  refused_ = (known & kRefused) != 0;
  return true;
}

bool FamilyTracker::IsOfCurrent(std::string_view sample, Role* role) {
  if (name_.empty()) return false;
  *role = Role::kPlain;
  if (sample == name_) return true;
  const std::string_view declared = std::string_view(name_).substr(0, declared_length_);
  if (!sample.starts_with(declared)) return false;
  const std::string_view rest = sample.substr(declared_length_);
  for (const Suffix& suffix : kSuffixes) {
    if (rest == suffix.text && HasSuffix(type_, suffix.role)) {
      *role = suffix.role;
      return true;
    }
  }
  const bool may_be_created =
      type_ == TextType::kCounter || type_ == TextType::kHistogram || type_ == TextType::kSummary;
  if (may_be_created && rest == "_created" && left_.Find(IdOf(sample)) == nullptr) {
    *role = Role::kCreated;
    return true;
  }
  if (!TakesNameOf(sample)) return false;
  if (left_.Find(IdOf(sample)) != nullptr) return false;
  name_ = sample;
  id_ = IdOf(sample);
  return true;
}

// REQUIRES: sample begins with the declared name
bool FamilyTracker::TakesNameOf(std::string_view sample) const {
  if (has_samples_ || refused_) return false;
  const std::string_view rest = sample.substr(declared_length_);
  return (type_ == TextType::kCounter && rest == "_total") ||
         (type_ == TextType::kInfo && rest == "_info");
}

uint64_t* FamilyTracker::FindOwner(std::string_view sample, std::string_view* name) {
  for (const Suffix& suffix : kSuffixes) {
    if (sample.back() != suffix.text.back() || !sample.ends_with(suffix.text) ||
        sample.size() == suffix.text.size())
      continue;
    *name = sample.substr(0, sample.size() - suffix.text.size());
    uint64_t* const word = left_.Find(IdOf(*name));
    return word != nullptr && HasSuffix(TypeIn(*word), suffix.role) ? word : nullptr;
  }
  return nullptr;
}

bool FamilyTracker::OwnNamesAreTaken() {
  if (!HasSuffix(type_, Role::kSum)) return false;
  std::string sample;
  for (const Suffix& suffix : kSuffixes) {
    if (!HasSuffix(type_, suffix.role)) continue;
    sample.assign(name_).append(suffix.text);
    const uint64_t* const word = left_.Find(IdOf(sample));
    if (word != nullptr && (*word & kRefused) == 0) return true;
  }
  return false;
}

}  // namespace promplug
