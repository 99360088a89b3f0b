// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

// The families and points that one run of a collector said, in few blocks of memory. Filled by one
// thread; after Seal() it is immutable and may be read by any number of threads.
class CollectedOutput {
 public:
  static constexpr size_t kNotFound = static_cast<size_t>(-1);

  size_t n_families() const { return families_.size(); }
  // Valid while the output lives. REQUIRES: sealed, i < n_families().
  FamilyHead Head(size_t i) const;
  // The points of family i, in the order they were said. The output must outlive the source.
  // REQUIRES: sealed.
  std::unique_ptr<PointSource> Read(size_t i) const;

  // What it holds, in bytes.
  uint64_t bytes() const { return bytes_; }

  // The family of that name, or kNotFound.
  size_t Find(std::string_view name) const;
  MetricType type(size_t i) const { return families_[i].type; }
  // A new family; its number is n_families() - 1 then.
  void AddFamily(const FamilyHead& head);
  // Of family i, as of FamilyHead.
  void SetQuotedLabels(size_t i) { families_[i].quoted_labels = true; }
  void SetPlainInOpenMetrics(size_t i) { families_[i].plain_in_open_metrics = true; }
  // A point of family i, whose labels are already rendered. Everything is copied; of `exemplars`
  // there is none, one, or one per bucket. Does not check anything.
  void AddPoint(size_t i, const Point& point);
  // Ends the filling.
  void Seal();

 private:
  friend class CollectedPoints;

  // Offsets into text_, numbers_ and integers_, which move while they grow.
  struct Text {
    uint32_t offset = 0;
    uint32_t length = 0;
  };
  struct StoredExemplar {
    Text labels;
    double value = 0;
    int64_t unix_ms = 0;
  };
  struct Spans {
    uint32_t spans = 0;   // into offsets_ and lengths_
    uint32_t counts = 0;  // into integers_
  };
  struct StoredNative {
    NativeHistogram head;  // its pointers are stale
    Spans positive;
    Spans negative;
  };
  // What few points have.
  struct Extra {
    int64_t timestamp_ms = 0;
    int64_t created_ms = 0;
    double sum = 0;
    uint32_t bounds = 0;
    uint32_t n_bounds = 0;
    uint32_t counts = 0;
    uint32_t quantiles = 0;
    uint32_t n_quantiles = 0;
    uint32_t exemplars = 0;
    uint32_t n_exemplars = 0;
    uint32_t native = 0;
    bool has_sum = true;
    bool has_timestamp = false;
    bool has_native = false;
    bool has_counts = false;
  };
  struct StoredPoint {
    Text labels;
    uint32_t extra = 0;
    bool has_extra = false;
    bool is_integer = false;
    uint64_t bits = 0;  // the integer, or those of the double
  };
  struct Family {
    MetricType type;
    std::string name;
    std::string help;
    std::string unit;
    ProcessMode process_mode = ProcessMode::kDefault;
    bool quoted_labels = false;
    bool plain_in_open_metrics = false;
    std::vector<StoredPoint> points = {};
  };

  Text Keep(std::string_view text);
  uint32_t KeepBounds(const double* bounds, size_t n);
  uint32_t KeepNumbers(const double* numbers, size_t n);
  uint32_t KeepIntegers(const uint64_t* integers, size_t n);
  Spans KeepSpans(const int32_t* offsets, const uint32_t* lengths, size_t n,
                  const uint64_t* counts);
  uint32_t KeepNative(const NativeHistogram& native);
  uint32_t KeepExtra(MetricType type, const Point& point);
  std::string_view View(Text text) const;
  void Load(const StoredPoint& stored, Point* point) const;

  std::vector<Family> families_;
  std::map<std::string, size_t, std::less<>> by_name_;
  std::string text_;
  std::vector<double> numbers_;
  std::vector<uint64_t> integers_;
  std::vector<int32_t> offsets_;
  std::vector<uint32_t> lengths_;
  std::vector<Extra> extras_;
  std::vector<StoredExemplar> stored_exemplars_;
  std::vector<StoredNative> stored_natives_;
  // Made by Seal(), when nothing moves any more.
  std::vector<Exemplar> exemplars_;
  std::vector<NativeHistogram> natives_;
  uint32_t last_bounds_ = 0;
  uint32_t n_last_bounds_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace promplug
