// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "multiprocess/set_point.hpp"

namespace promplug::testing {

struct PartExemplar {
  std::string labels;
  double value = 0;
  int64_t unix_ms = 0;
};

struct PartNative {
  int32_t schema = 0;
  double zero_threshold = 0;
  uint64_t zero_count = 0;
  std::map<int32_t, uint64_t> positive = {};
  std::map<int32_t, uint64_t> negative = {};
};

// A point of a part with everything that it points to.
struct PartValue {
  std::string labels;
  PartPoint fields = {};  // the numbers; its pointers are not used
  std::vector<double> bounds = {};
  std::vector<uint64_t> counts = {};
  std::vector<double> quantiles = {};
  std::vector<double> quantile_values = {};
  std::vector<SketchBucket> window = {};
  std::vector<std::string> states = {};
  std::optional<PartNative> native = {};
  std::vector<PartExemplar> exemplars = {};

  static PartValue Integer(std::string labels, uint64_t value) {
    PartValue made{std::move(labels)};
    made.fields.point.is_integer = true;
    made.fields.point.integer = value;
    return made;
  }
  static PartValue Double(std::string labels, double value) {
    PartValue made{std::move(labels)};
    made.fields.point.value = value;
    return made;
  }
  static PartValue Histogram(std::string labels, std::vector<double> bounds,
                             std::vector<uint64_t> counts, double sum) {
    PartValue made{std::move(labels)};
    made.bounds = std::move(bounds);
    made.counts = std::move(counts);
    made.fields.point.sum = sum;
    return made;
  }
  static PartValue Summary(std::string labels, std::vector<double> quantiles,
                           std::vector<SketchBucket> window, uint64_t count, double sum) {
    PartValue made{std::move(labels)};
    made.quantiles = std::move(quantiles);
    made.window = std::move(window);
    made.fields.point.integer = count;
    made.fields.point.sum = sum;
    return made;
  }
  static PartValue Stateset(std::string labels, std::vector<std::string> states, uint64_t on) {
    PartValue made{std::move(labels)};
    made.states = std::move(states);
    made.fields.point.states = on;
    return made;
  }
  PartValue Stamped(int64_t stamp_ns) && {
    fields.stamp_ns = stamp_ns;
    return std::move(*this);
  }
  PartValue CreatedAt(int64_t unix_ms) && {
    fields.point.created_ms = unix_ms;
    return std::move(*this);
  }
  PartValue At(int64_t unix_ms) && {
    fields.point.has_timestamp = true;
    fields.point.timestamp_ms = unix_ms;
    return std::move(*this);
  }
  PartValue TouchedAt(int64_t unix_ms) && {
    fields.touched_ms = unix_ms;
    return std::move(*this);
  }
  PartValue WithNative(PartNative buckets) && {
    native = std::move(buckets);
    return std::move(*this);
  }
  PartValue WithExemplars(std::vector<PartExemplar> all) && {
    exemplars = std::move(all);
    return std::move(*this);
  }
};

// A family of a part.
struct PartFamily {
  std::string name;
  MetricType type = MetricType::kCounter;
  std::vector<PartValue> points = {};
  ProcessMode mode = ProcessMode::kDefault;
  PartKind kind = PartKind::kInstruments;
  std::string help = "Help.";
  std::string unit = {};
  bool one_process = false;
  uint32_t native_max_buckets = 0;

  PartHead Head() const {
    PartHead part;
    part.kind = kind;
    part.one_process = one_process;
    part.native_max_buckets = native_max_buckets;
    part.head.type = type;
    part.head.name = name;
    part.head.help = help;
    part.head.unit = unit;
    part.head.process_mode = mode;
    return part;
  }
};

// Gives each point as a fresh copy that is freed by the next call, so that a sanitizer sees a use
// that the contract forbids.
class PartValues final : public PartPoints {
 public:
  explicit PartValues(const std::vector<PartValue>& points) : points_(points) {}

  bool Next(PartPoint* out) override {
    live_.reset();
    if (at_ == points_.size()) return false;
    live_ = std::make_unique<Live>(points_[at_++]);
    *out = live_->point;
    return true;
  }

 private:
  struct Spans {
    std::vector<int32_t> offsets;
    std::vector<uint32_t> lengths;
    std::vector<uint64_t> counts;

    explicit Spans(const std::map<int32_t, uint64_t>& buckets) {
      int32_t next = 0;
      for (const auto& [index, count] : buckets) {
        if (lengths.empty() || index != next) {
          offsets.push_back(index - next);
          lengths.push_back(0);
        }
        ++lengths.back();
        counts.push_back(count);
        next = index + 1;
      }
    }
  };

  struct Live {
    PartValue value;
    std::vector<std::string_view> states;
    std::vector<Exemplar> exemplars;
    Spans positive;
    Spans negative;
    NativeHistogram native;
    PartPoint point;

    explicit Live(const PartValue& from)
        : value(from),
          states(value.states.begin(), value.states.end()),
          positive(value.native ? value.native->positive : std::map<int32_t, uint64_t>()),
          negative(value.native ? value.native->negative : std::map<int32_t, uint64_t>()),
          point(value.fields) {
      Point& p = point.point;
      p.labels = value.labels;
      p.bounds = value.bounds.data();
      p.counts = value.counts.data();
      p.n_bounds = value.bounds.size();
      p.quantiles = value.quantiles.data();
      p.quantile_values = value.quantile_values.empty() ? nullptr : value.quantile_values.data();
      p.n_quantiles = value.quantiles.size();
      p.state_names = states.data();
      p.n_states = states.size();
      for (const PartExemplar& each : value.exemplars) {
        exemplars.push_back({each.labels, each.value, each.unix_ms});
      }
      p.exemplars = exemplars.data();
      p.n_exemplars = exemplars.size();
      point.window = value.window.data();
      point.n_window = value.window.size();
      if (!value.native) return;
      native.schema = value.native->schema;
      native.zero_threshold = value.native->zero_threshold;
      native.zero_count = value.native->zero_count;
      native.positive_offsets = positive.offsets.data();
      native.positive_lengths = positive.lengths.data();
      native.n_positive_spans = positive.lengths.size();
      native.positive_counts = positive.counts.data();
      native.negative_offsets = negative.offsets.data();
      native.negative_lengths = negative.lengths.data();
      native.n_negative_spans = negative.lengths.size();
      native.negative_counts = negative.counts.data();
      p.native = &native;
    }
  };

  const std::vector<PartValue>& points_;
  size_t at_ = 0;
  std::unique_ptr<Live> live_;
};

}  // namespace promplug::testing
