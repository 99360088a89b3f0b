// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "multiprocess/set_point.hpp"

namespace promplug {

// Whose families are added.
struct PartOwner {
  enum class State : uint8_t {
    kLive,      // everything of it counts
    kDead,      // ended and not folded yet: only what grows counts
    kRetained,  // the totals of processes that were folded: likewise
  };
  State state = State::kLive;
  uint32_t worker = 0;  // its slot, the value of the label `worker`
};

// Makes one view of the families of many processes, each by the rules of its type and mode
// (docs/multiprocess.md). Copies what it keeps: nothing that was added needs to outlive a call of
// Add(). Not thread-safe. The order of Add() is that of precedence: of one name (within
// instruments, and within the other kinds), the first type, mode and native limit count; of one
// series, the first bounds, quantiles and state names. What does not fit is left out and told to
// `refuse`, by a reason of SelfMetrics::SeriesRefused() ("type", "help" where only the help gives
// way, "invalid" for bounds, quantiles and states, "duplicate"), the family's name, and a text for
// a person.
class SetMerge {
 public:
  using Refuse =
      std::function<void(std::string_view reason, std::string_view family, std::string text)>;

  explicit SetMerge(Refuse refuse);
  ~SetMerge();
  SetMerge(const SetMerge&) = delete;
  SetMerge& operator=(const SetMerge&) = delete;

  // Reads `points` to its end. Throws std::bad_alloc.
  void Add(const PartHead& head, const PartOwner& owner, PartPoints* points);

  // Whether some process that is alive has this series. `labels` rendered as in Point.
  bool HasLive(PartKind kind, std::string_view family, std::string_view labels) const;

  // After the last Add(). Both views stay valid as long as this object.
  size_t n_families() const;
  const PartHead& Head(size_t i) const;
  // The merged series, as exposed: with the label `worker` where the mode says so.
  std::unique_ptr<PointSource> Read(size_t i) const;
  // The same with what another merge needs (stamps, windows).
  std::unique_ptr<PartPoints> ReadParts(size_t i) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace promplug
