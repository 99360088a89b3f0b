// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace promplug {

// The numbers are those of promplug.h.
enum class MetricType : uint8_t {
  kCounter = 1,
  kGauge = 2,
  kHistogram = 3,
  kSummary = 4,
  kUntyped = 5,
  kInfo = 6,
  kStateset = 7,
  kGaugeHistogram = 8,
};

// How the series of several worker processes become one. The numbers are those of PROMPLUG_MODE_*.
enum class ProcessMode : uint8_t {
  kDefault = 0,  // counters, histograms, summaries: sum; info: each once; the rest: per worker
  kSum = 1,
  kMax = 2,
  kMin = 3,
  kLatest = 4,
  kPerWorker = 5,
};

struct NativeHistogram;

struct Exemplar {
  std::string_view labels;  // rendered like Point::labels, all names plain
  double value = 0;
  int64_t unix_ms = 0;
};

// One series at one moment: what collectors and instruments say, whatever the format. All
// pointers refer to memory of the source.
//
// Labels are kept rendered, because they are written far more often than they are made: empty, or
//   {name="value",other="va\"lue"}
// with values escaped as in the text format (\\, \", \n), in the order of the source, valid UTF-8.
// A name that is not plain (metrics/names.hpp) is quoted and escaped likewise:
//   {"my.name"="value"}
struct Point {
  std::string_view labels;

  // kCounter, kGauge, kUntyped, kInfo: `integer` where is_integer, else `value`.
  bool is_integer = false;
  bool has_sum = true;
  bool has_timestamp = false;
  uint64_t integer = 0;
  double value = 0;

  int64_t timestamp_ms = 0;  // where has_timestamp
  int64_t created_ms = 0;    // 0: unknown

  // kHistogram, kGaugeHistogram: bounds[n_bounds] ascending without +Inf, counts[n_bounds + 1]
  // per bucket (not cumulative), so that the count is their sum. kSummary: `integer` is the count.
  const double* bounds = nullptr;
  const uint64_t* counts = nullptr;
  size_t n_bounds = 0;
  double sum = 0;

  // kSummary
  const double* quantiles = nullptr;
  const double* quantile_values = nullptr;
  size_t n_quantiles = 0;

  // kStateset: bit i is state i of the family. A collector's stateset arrives as single samples
  // instead: n_states is 0 and the labels hold the state.
  uint64_t states = 0;
  const std::string_view* state_names = nullptr;
  size_t n_states = 0;

  const NativeHistogram* native = nullptr;
  // One per bucket, or one for a counter; an empty labels field means none.
  const Exemplar* exemplars = nullptr;
  size_t n_exemplars = 0;
};

// Spans are (offset, length) pairs; counts are absolute, in the order of the spans.
struct NativeHistogram {
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  const int32_t* positive_offsets = nullptr;
  const uint32_t* positive_lengths = nullptr;
  size_t n_positive_spans = 0;
  const uint64_t* positive_counts = nullptr;
  const int32_t* negative_offsets = nullptr;
  const uint32_t* negative_lengths = nullptr;
  size_t n_negative_spans = 0;
  const uint64_t* negative_counts = nullptr;
};

// What stands above the points of a family.
struct FamilyHead {
  MetricType type = MetricType::kUntyped;
  std::string_view name;  // as the source says it: a counter's usually ends in _total
  std::string_view help;  // not escaped, valid UTF-8
  std::string_view unit;
  ProcessMode process_mode = ProcessMode::kDefault;
  bool quoted_labels = false;  // points may have label names that are quoted
  // OpenMetrics must show the family with the lines of the text format and a type that demands
  // nothing of them: what its own type demands would clash with another family, or does not hold.
  bool plain_in_open_metrics = false;
};

// A stream of the points of one family. Used by one thread at a time; never blocks.
class PointSource {
 public:
  virtual ~PointSource() = default;
  // Writes at most `max` points and returns how many; 0: there are no more. What they point to is
  // valid until the next call. A caller may move the points within the array; else it leaves them
  // alone until the next call with the same array, so that a source may write only what is new.
  // REQUIRES: max > 0.
  virtual size_t Next(Point* out, size_t max) = 0;
};

}  // namespace promplug
