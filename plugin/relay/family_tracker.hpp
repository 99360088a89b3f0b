// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "exposition/text_reader.hpp"
#include "relay/hash_table.hpp"

namespace promplug {

// Tells to which family each line of an exposition belongs, as the Pushgateway would have it, and
// which families cannot stand beside an earlier one. Of families that it has left it keeps 8 bytes
// and the growth of a table, no names. Used by one thread.
//
// A sample belongs to the current family where its name allows that, else to the family of exactly
// its name, else to the histogram or summary whose name it has with _bucket, _sum or _count, else
// it begins a family without a TYPE. The samples NAME_total and NAME_info of the OpenMetrics
// families NAME (counter, info) give their family that name; their NAME_created are no samples.
class FamilyTracker {
 public:
  // How the family of a line stands to the one of the line before.
  enum class Step {
    kSame,
    kNew,
    kBack,  // it was left before: its lines have come apart
  };
  // What a sample is in its family.
  enum class Role : uint8_t {
    kPlain,   // it has the name of the family
    kBucket,  // _bucket of a histogram
    kSum,
    kCount,
    kCreated,  // not for text 0.0.4
  };
  struct Place {
    Step step = Step::kSame;
    Role role = Role::kPlain;
  };

  FamilyTracker();

  // A HELP line.
  Step Help(std::string_view name) { return Enter(name); }
  // A TYPE line.
  Step Type(std::string_view name, TextType type);
  Place Sample(std::string_view name);

  // Of the family of the last line. The name is a copy; it may change with its first sample.
  std::string_view name() const { return name_; }
  // The same for all lines of the family; never 0.
  uint64_t id() const { return id_; }
  TextType type() const { return type_; }
  // It has had a sample.
  bool has_samples() const { return has_samples_; }
  // It, or this part of it, cannot stand beside what came earlier.
  bool refused() const { return refused_ || other_type_; }

 private:
  Step Enter(std::string_view name);
  void Leave();
  bool IsLastSample(std::string_view name) const;
  bool IsCurrent(std::string_view name) const;
  void Begin(std::string_view name, uint64_t id);
  bool ComeBack(std::string_view name, uint64_t id);
  // Whether a sample of this name is one of the current family.
  bool IsOfCurrent(std::string_view sample, Role* role);
  bool TakesNameOf(std::string_view sample) const;
  std::string_view FamilyOf(std::string_view sample);
  uint64_t* FindOwner(std::string_view sample, std::string_view* name);
  bool OwnNamesAreTaken();
  Place FindPlace(std::string_view sample);

  WordTable left_;    // ids, with what is known of the family in the low byte
  std::string name_;  // of the current family; empty: there is none
  // Of the last sample in the current family, if it had one that is no kCreated.
  bool has_last_ = false;
  Role last_role_ = Role::kPlain;
  std::string last_sample_;  // its name; of a kPlain one that is name_
  uint64_t id_ = 1u << 8;
  size_t declared_length_ = 0;  // name_ begins with the name that HELP or TYPE gave
  TextType type_ = TextType::kNone;
  bool has_samples_ = false;
  bool refused_ = false;
  bool other_type_ = false;  // a second, other TYPE line came
};

}  // namespace promplug
