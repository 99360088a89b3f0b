// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "gather/collected_output.hpp"
#include "gather/series_set.hpp"
#include "metrics/labels.hpp"
#include "metrics/point.hpp"

namespace promplug {

// What became of the things that one run of a collector was not allowed to say.
struct WriterRefusals {
  uint64_t invalid = 0;     // families and points that are not valid
  uint64_t duplicates = 0;  // series that the run had said before
  std::string first;        // the reason of the first one, for the log
};

// Takes what one run of a collector says, checks it and keeps it. Used by one thread, during
// collect() only. It copies everything it is given.
//
// kInvalid refuses that family or point alone: the collector may go on. After kLimit, kTimeout or
// kNoMemory the output of the run is lost as a whole; every later call answers the same.
class CollectorWriter {
 public:
  // `deadline` is a TimePoint's time_since_epoch().count() and may move while the run goes on. It
  // and `clock` must outlive the writer.
  // More than kMaxOutputBytes are never taken.
  static constexpr uint64_t kMaxOutputBytes = 1u << 30;
  CollectorWriter(uint64_t max_bytes, const Clock& clock,
                  const std::atomic<TimePoint::rep>& deadline);
  CollectorWriter(const CollectorWriter&) = delete;
  CollectorWriter& operator=(const CollectorWriter&) = delete;

  // Opens a family, or opens it again: what follows belongs to it. kInvalid: the name is empty or
  // not UTF-8, as help or unit may not be, or this run said the name with another type; then
  // points are refused too (but not counted) until the next family. kLimit, kTimeout, kNoMemory.
  Status BeginFamily(const FamilyHead& head);

  // Adds a series to the open family; `values` is as described at Point, except that its labels,
  // state_names and n_states are not read (labels are given unrendered), that counts are per bucket
  // (CumulativeToBuckets makes them), and that exemplars may come in any number and order: each
  // goes to the bucket of its value, one without a time gets that of the call, those whose labels
  // are not good (IsGoodExemplar) are left out. The unused parts of a Point for the family's type
  // are not read. kInvalid: no family is open (counted where there was none yet); a label is not
  // valid, there twice, or is "le" on a histogram or "quantile" on a summary; a counter below zero
  // or NaN; an info value other than 1; a stateset value other than 0 and 1 or without the label
  // that holds the state; bounds that do not ascend or are not finite; quantiles outside [0,1] or
  // not ascending; a native histogram with an unknown schema, impossible spans or buckets that do
  // not add up to the count; the series was there before. kLimit, kTimeout, kNoMemory.
  Status Add(const Label* labels, size_t n_labels, const Point& values);

  // Counts a point or family that the caller itself found not to be valid; returns `why`.
  // REQUIRES: why.code() == kInvalid.
  Status Refuse(Status why);
  // The same for a family, which is then not open: points are refused until the next one.
  Status RefuseFamily(Status why);

  // Until the output is given up; zero or less: it is late already.
  Duration TimeLeft() const;

  // OK, or why the output is lost.
  const Status& lost() const { return lost_; }
  const WriterRefusals& refusals() const { return refusals_; }
  // What was said. REQUIRES: lost().ok(); nothing is called after it.
  std::shared_ptr<const CollectedOutput> Finish();

 private:
  Status Lose(Code code, const char* text);
  Status TooLarge();
  Status CheckAlive();
  Status AddChecked(const Label* labels, size_t n_labels, const Point& values);
  bool FitsOpenMetrics(const FamilyHead& head, const Label* labels, size_t n_labels,
                       const Point& values);

  const uint64_t max_bytes_;
  const Clock& clock_;
  const std::atomic<TimePoint::rep>& deadline_;
  std::shared_ptr<CollectedOutput> output_;
  size_t family_ = CollectedOutput::kNotFound;  // the open one
  bool began_ = false;                          // some family, also one that was refused
  uint64_t n_points_ = 0;
  // What there was of a family.
  struct Seen {
    SeriesSet series;
    // Of a stateset: the series without their state.
    SeriesSet groups;
    uint64_t last_group = 0;
  };
  std::vector<Seen> seen_;  // one a family
  std::string rendered_;    // scratch
  Status lost_;
  WriterRefusals refusals_;
};

// Cumulative counts as C hosts give them (n of them, the last bucket being +Inf with `count`) as
// n + 1 counts per bucket. kInvalid: they fall, or exceed `count`.
Status CumulativeToBuckets(const uint64_t* cumulative, size_t n, uint64_t count,
                           std::vector<uint64_t>* buckets);

}  // namespace promplug
