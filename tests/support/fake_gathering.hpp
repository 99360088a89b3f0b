// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "metrics/gathering.hpp"
#include "metrics/point.hpp"

namespace promplug::testing {

// A point with everything that it points to.
struct FakePoint {
  std::string labels;
  Point fields;  // the numbers; its pointers are not used
  std::vector<double> bounds;
  std::vector<uint64_t> counts;
  std::vector<double> quantiles;
  std::vector<double> quantile_values;
  std::vector<std::string> states;
  std::vector<Exemplar> exemplars = {};

  static FakePoint Integer(std::string labels, uint64_t value) {
    FakePoint p{std::move(labels), {}, {}, {}, {}, {}, {}};
    p.fields.is_integer = true;
    p.fields.integer = value;
    return p;
  }
  static FakePoint Double(std::string labels, double value) {
    FakePoint p{std::move(labels), {}, {}, {}, {}, {}, {}};
    p.fields.value = value;
    return p;
  }
  static FakePoint Histogram(std::string labels, std::vector<double> bounds,
                             std::vector<uint64_t> counts, double sum) {
    FakePoint p{std::move(labels), {}, std::move(bounds), std::move(counts), {}, {}, {}};
    p.fields.sum = sum;
    return p;
  }
  static FakePoint Summary(std::string labels, std::vector<double> quantiles,
                           std::vector<double> values, double sum, uint64_t count) {
    FakePoint p{std::move(labels), {}, {}, {}, std::move(quantiles), std::move(values), {}};
    p.fields.sum = sum;
    p.fields.integer = count;
    return p;
  }
  static FakePoint Stateset(std::string labels, std::vector<std::string> states, uint64_t on) {
    FakePoint p{std::move(labels), {}, {}, {}, {}, {}, std::move(states)};
    p.fields.states = on;
    return p;
  }
  FakePoint At(int64_t unix_ms) && {
    fields.has_timestamp = true;
    fields.timestamp_ms = unix_ms;
    return std::move(*this);
  }
  FakePoint CreatedAt(int64_t unix_ms) && {
    fields.created_ms = unix_ms;
    return std::move(*this);
  }
  // The texts of `all` must outlive the point.
  FakePoint WithExemplars(std::vector<Exemplar> all) && {
    exemplars = std::move(all);
    return std::move(*this);
  }
  FakePoint WithoutSum() && {
    fields.has_sum = false;
    return std::move(*this);
  }
};

// Gives at most `batch` points at once, as fresh copies that are freed by the next call, so that a
// sanitizer sees a use that the contract forbids.
class FakeSource final : public PointSource {
 public:
  explicit FakeSource(std::vector<FakePoint> points, size_t batch = 7)
      : points_(std::move(points)), batch_(batch) {}

  size_t Next(Point* out, size_t max) override {
    live_.clear();
    names_.clear();
    const size_t n = std::min({max, batch_, points_.size() - at_});
    live_.assign(points_.begin() + static_cast<ptrdiff_t>(at_),
                 points_.begin() + static_cast<ptrdiff_t>(at_ + n));
    at_ += n;
    for (size_t i = 0; i < n; ++i) out[i] = View(live_[i]);
    return n;
  }

 private:
  Point View(const FakePoint& from) {
    Point p = from.fields;
    p.labels = from.labels;
    p.bounds = from.bounds.data();
    p.counts = from.counts.data();
    p.n_bounds = from.bounds.size();
    p.quantiles = from.quantiles.data();
    p.quantile_values = from.quantile_values.data();
    p.n_quantiles = from.quantiles.size();
    names_.push_back(
        std::make_unique<std::vector<std::string_view>>(from.states.begin(), from.states.end()));
    p.state_names = names_.back()->data();
    p.n_states = from.states.size();
    p.exemplars = from.exemplars.data();
    p.n_exemplars = from.exemplars.size();
    return p;
  }

  const std::vector<FakePoint> points_;
  const size_t batch_;
  size_t at_ = 0;
  std::vector<FakePoint> live_;
  std::vector<std::unique_ptr<std::vector<std::string_view>>> names_;
};

// Gives the same points `times` times, without copying or allocating anything. `points` and what
// they point to must outlive it.
class RepeatingSource final : public PointSource {
 public:
  RepeatingSource(const std::vector<Point>& points, size_t times)
      : points_(points), left_(points.size() * times) {}

  size_t Next(Point* out, size_t max) override {
    const size_t n = std::min({max, left_, points_.size() - at_});
    std::copy_n(points_.begin() + static_cast<ptrdiff_t>(at_), n, out);
    at_ = (at_ + n) % points_.size();
    left_ -= n;
    return n;
  }

 private:
  const std::vector<Point>& points_;
  size_t left_;
  size_t at_ = 0;
};

inline void AddFamily(Gathering* to, MetricType type, std::string_view name, std::string_view help,
                      std::unique_ptr<PointSource> source) {
  GatheredFamily family;
  auto texts = std::make_shared<std::pair<std::string, std::string>>(name, help);
  family.head = {type, texts->first, texts->second, {}};
  family.parts.push_back(std::move(source));
  to->keep_alive.push_back(std::move(texts));
  to->families.push_back(std::move(family));
}

inline void AddFamily(Gathering* to, MetricType type, std::string_view name, std::string_view help,
                      std::vector<FakePoint> points) {
  AddFamily(to, type, name, help, std::make_unique<FakeSource>(std::move(points)));
}

}  // namespace promplug::testing
