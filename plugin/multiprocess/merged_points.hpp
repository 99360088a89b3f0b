// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "metrics/native_sum.hpp"
#include "multiprocess/merged_family.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// Makes points of the rows of a family, with what they need until the next batch.
class RowReader {
 public:
  // Must outlive it and does not change meanwhile.
  explicit RowReader(const MergedFamily* family) : family_(*family) {}

  // At most so many points can be held at once.
  size_t BatchOf(size_t max) const;
  // What all points have in common.
  void Prepare(Point* points, size_t n) const;
  // `slot` is below what BatchOf() said, and holds one point at a time. REQUIRES: *out is prepared.
  void Fill(size_t row, size_t slot, Point* out);

 private:
  void FillHistogram(size_t row, size_t slot, Point* out);
  void FillSummary(size_t row, size_t slot, Point* out);

  const MergedFamily& family_;
  std::vector<NativeSpans> natives_;                  // by slot
  std::vector<std::vector<double>> quantile_values_;  // by slot
};

class MergedPoints final : public PointSource {
 public:
  explicit MergedPoints(const MergedFamily* family) : family_(*family), reader_(family) {}
  size_t Next(Point* out, size_t max) override;

 private:
  const MergedFamily& family_;
  RowReader reader_;
  size_t at_ = 0;
  const Point* prepared_ = nullptr;
  size_t n_prepared_ = 0;
};

class MergedParts final : public PartPoints {
 public:
  explicit MergedParts(const MergedFamily* family) : family_(*family), reader_(family) {}
  bool Next(PartPoint* out) override;

 private:
  const MergedFamily& family_;
  RowReader reader_;
  size_t at_ = 0;
};

}  // namespace promplug
