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
    kWaiting,   // lives, but has not been started: only what grows counts
    kDead,      // ended and not folded yet: only what grows counts
    kRetained,  // the totals of processes that were folded: likewise
  };
  State state = State::kLive;
  uint32_t worker = 0;  // its slot, the value of the label `worker`
  // When it said what is no instrument, unix time: of several that speak for all the last is right.
  int64_t published_ms = 0;
};

// Makes one view of the families of many processes, each by the rules of its type and mode
// (docs/multiprocess.md). Copies what it keeps: nothing that was added needs to outlive a call of
// Add(). Not thread-safe. The order of Add() is that of precedence: of one name (within
// instruments, and within the other kinds), the first type, mode and native limit count; of one
// family, the first state names; of one series, the first bounds, and the first quantiles of a
// process that is alive. So what is alive is added first, then what is dead, then what is retained.
// What does not fit is left out and told to `refuse`, by a reason of SelfMetrics::SeriesRefused()
// ("type" for type and mode, "help" where only the help gives way, "invalid" for bounds, quantiles,
// states and native buckets, "duplicate" for a series that comes twice from one process), the
// family's name, and a text for a person; the latter two once for each Add().
//
// Series are the same when their labels are, in whatever order. Modes that have no meaning for a
// type are its default.
class SetMerge {
 public:
  using Refuse =
      std::function<void(std::string_view reason, std::string_view family, std::string text)>;

  explicit SetMerge(Refuse refuse);
  ~SetMerge();
  SetMerge(const SetMerge&) = delete;
  SetMerge& operator=(const SetMerge&) = delete;

  // Reads `points` to its end, if anything of it counts. The points are such as CollectorWriter
  // and DecodeParts() let through. What a live process says of one family in several calls follows
  // each other. Throws std::bad_alloc; the merge is not to be used any more then.
  void Add(const PartHead& head, const PartOwner& owner, PartPoints* points);

  // Whether some process that is alive has this series, in a family of that type and rule. `labels`
  // rendered as in Point. False for families whose series are shown by worker.
  bool HasLive(const PartHead& head, std::string_view labels) const;

  // After the last Add(). Both views stay valid as long as this object.
  size_t n_families() const;
  const PartHead& Head(size_t i) const;
  // The merged series, as exposed: with the label `worker` where the mode says so.
  std::unique_ptr<PointSource> Read(size_t i) const;
  // The same with what another merge needs (stamps, windows); without the series that are shown by
  // worker, whose workers another merge could not know.
  std::unique_ptr<PartPoints> ReadParts(size_t i) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace promplug
