// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "multiprocess/merge_rules.hpp"
#include "multiprocess/merged_rows.hpp"
#include "multiprocess/merged_series.hpp"
#include "multiprocess/part_arena.hpp"
#include "multiprocess/series_index.hpp"
#include "multiprocess/set_merge.hpp"

namespace promplug {

// One family of a merge, with its series. Not thread-safe; throws std::bad_alloc.
class MergedFamily {
 public:
  // By the first part that has it. `arena` must outlive it.
  MergedFamily(const PartHead& head, const PartOwner& owner, PartArena* arena);
  MergedFamily(const MergedFamily&) = delete;
  MergedFamily& operator=(const MergedFamily&) = delete;

  const PartHead& head() const { return head_; }
  MergeRule rule() const { return rule_; }
  // Whose the first part was.
  const PartOwner& first_owner() const { return first_owner_; }

  // Takes the points of another part, whose type and rule are those of the family. Of each reason
  // the first point that does not fit is told to `refuse`.
  void Add(const PartHead& head, const PartOwner& owner, PartPoints* points,
           const SetMerge::Refuse& refuse);

  // A series that is not shown by worker, or null.
  const MergedRow* Find(std::string_view labels) const;

  const MergedRows& rows() const { return rows_; }
  // Of the numbers, or of the sums of observations.
  DoubleSum SumOf(const MergedRow& row) const {
    const bool observes = is_histogram() || head_.head.type == MetricType::kSummary;
    return observes ? row.value : row.NumberSum();
  }
  // Of the row of that number, by the type of the family.
  const MergedHistogram& histogram(size_t row) const { return histograms_[row]; }
  const MergedSummary& summary(size_t row) const { return summaries_[row]; }
  const std::vector<std::string_view>& state_names() const { return state_names_; }

 private:
  bool is_histogram() const {
    return head_.head.type == MetricType::kHistogram ||
           head_.head.type == MetricType::kGaugeHistogram;
  }
  bool has_window() const { return head_.kind == PartKind::kInstruments; }

  void Begin(const PartHead& head, const PartOwner& owner);
  void AddPoint(const PartPoint& part, const PartOwner& owner, const SetMerge::Refuse& refuse);
  std::string_view LabelsByWorker(std::string_view labels);
  // The row of these labels, or SeriesIndex::kNone.
  uint32_t FindRow(std::string_view labels);
  // `labels` stay.
  uint32_t NewRow(std::string_view labels);
  void IndexRow(uint32_t row);

  // merged_values.cpp. Why the point cannot be added to the row (kNone: a new one), or null.
  const char* WhyUnfit(uint32_t row, const PartPoint& part, const PartOwner& owner) const;
  // REQUIRES: it fits.
  void Combine(uint32_t row, bool is_first, const PartPoint& part, const PartOwner& owner);
  void CombineNumber(MergedRow* row, bool is_first, const PartPoint& part);
  void CombineStates(MergedRow* row, bool is_first, const PartPoint& part);
  void CombineHistogram(uint32_t row, bool is_first, const PartPoint& part);
  void CombineNative(MergedHistogram* histogram, bool is_first, const NativeHistogram* native);
  void CombineSummary(uint32_t row, bool is_first, const PartPoint& part, const PartOwner& owner);
  void CombineExemplars(MergedRow* row, const Point& point, size_t buckets);
  const double* KeepNumbers(const double* numbers, size_t n);

  PartHead head_;
  const MergeRule rule_;
  const PartOwner first_owner_;
  PartArena& arena_;
  std::string name_, help_, unit_;

  MergedRows rows_;
  std::vector<MergedHistogram> histograms_;
  std::vector<MergedSummary> summaries_;
  std::vector<std::string_view> state_names_;
  SeriesIndex index_;
  // What was copied last: rows share it.
  const double* numbers_ = nullptr;
  size_t n_numbers_ = 0;
  std::vector<SketchBucket> window_;  // scratch

  // The part that is added.
  uint32_t source_ = 0;
  uint32_t n_others_ = 0;           // parts of processes that are gone, so far
  size_t cursor_ = 0;               // where the next series is, if all processes have one order
  std::string worker_label_;        // worker="N"}
  size_t worker_begin_ = 0;         // the first row of the worker
  bool worker_is_indexed_ = false;  // it has said the family before
  bool told_duplicate_ = false;
  bool told_invalid_ = false;
};

}  // namespace promplug
