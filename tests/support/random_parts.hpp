// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "metrics/native_scale.hpp"
#include "metrics/sketch_scale.hpp"
#include "support/part_values.hpp"

namespace promplug::testing {

// Families with everything that points can have, sensible or not.
class RandomParts {
 public:
  explicit RandomParts(uint64_t seed) : random_(seed) {}

  size_t Below(size_t n) { return random_() % n; }
  bool Chance(size_t one_in) { return Below(one_in) == 0; }

  PartFamily Family() {
    PartFamily family;
    family.name = Chance(8) ? "a name \"with\" \xC3\xA4" : "f" + std::to_string(Below(1000));
    family.type = static_cast<MetricType>(1 + Below(8));
    family.mode = static_cast<ProcessMode>(Below(6));
    family.kind = static_cast<PartKind>(1 + Below(4));
    family.help = Chance(3) ? "" : "Help\nof\\it.";
    family.unit = Chance(3) ? "seconds" : "";
    family.one_process = Chance(4);
    family.native_max_buckets = Chance(2) ? 0 : static_cast<uint32_t>(random_());
    const size_t n = Below(6);
    for (size_t i = 0; i < n; ++i) {
      // Often as the one before, as in real families.
      if (i > 0 && Chance(2)) {
        family.points.push_back(family.points.back());
        family.points.back().labels = Labels();
      } else {
        family.points.push_back(Value(family.type));
      }
    }
    return family;
  }

  PartValue Value(MetricType type) {
    PartValue value{Labels()};
    Point& point = value.fields.point;
    if (Chance(3)) point.created_ms = Signed();
    if (Chance(3)) value.fields.stamp_ns = Signed();
    if (Chance(3)) value.fields.touched_ms = Signed();
    if (Chance(3)) value.fields.low = std::ldexp(static_cast<double>(Signed()), -80);
    if (Chance(3)) point.has_timestamp = true, point.timestamp_ms = Signed();
    switch (type) {
      case MetricType::kHistogram:
      case MetricType::kGaugeHistogram:
        Histogram(&value);
        break;
      case MetricType::kSummary:
        Summary(&value);
        break;
      case MetricType::kStateset:
        for (size_t n = Below(4); value.states.size() < n;) {
          value.states.push_back("s" + std::to_string(Below(100)));
        }
        if (value.states.empty()) {
          Number(&point);
        } else {
          point.states = random_();
        }
        break;
      default:
        Number(&point);
        if (type == MetricType::kCounter && Chance(3)) value.exemplars = Exemplars(1);
    }
    return value;
  }

 private:
  int64_t Signed() { return static_cast<int64_t>(random_()); }

  double Double() {
    constexpr double kSpecial[] = {0.0,
                                   -0.0,
                                   1,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN(),
                                   std::numeric_limits<double>::denorm_min(),
                                   std::numeric_limits<double>::max()};
    if (Chance(4)) return kSpecial[Below(std::size(kSpecial))];
    return std::ldexp(static_cast<double>(Signed()), static_cast<int>(Below(100)) - 80);
  }

  void Number(Point* point) {
    point->is_integer = Chance(2);
    if (point->is_integer) point->integer = random_();
    if (!point->is_integer) point->value = Double();
  }

  std::string Labels() {
    std::string labels;
    for (size_t n = Below(4); n > 0; --n) {
      labels += (labels.empty() ? "{l" : ",l") + std::to_string(n) + "=\"v" +
                std::to_string(Below(1000)) + "\"";
    }
    return labels.empty() ? labels : labels + "}";
  }

  std::vector<double> Ascending(size_t n, double scale) {
    std::set<double> values;
    while (values.size() < n) values.insert(static_cast<double>(Below(1000)) * scale);
    return {values.begin(), values.end()};
  }

  std::vector<PartExemplar> Exemplars(size_t places) {
    std::vector<PartExemplar> exemplars(places);
    for (PartExemplar& each : exemplars) {
      if (Chance(2)) each = {"{id=\"" + std::string(Below(40), 'x') + "\"}", Double(), Signed()};
    }
    return exemplars;
  }

  void Histogram(PartValue* value) {
    value->fields.point.has_sum = !Chance(4);
    value->fields.point.sum = Double();
    value->bounds = Ascending(Below(6), 0.1);
    for (size_t i = 0; i <= value->bounds.size(); ++i) value->counts.push_back(Below(1000000));
    if (Chance(3)) value->exemplars = Exemplars(value->counts.size());
    if (!Chance(2)) return;
    PartNative native;
    native.schema = static_cast<int32_t>(Below(13)) - 4;
    native.zero_threshold = Chance(2) ? 0 : std::fabs(static_cast<double>(Below(1000)) * 1e-6);
    native.zero_count = Below(100);
    const auto level = static_cast<uint32_t>(kFinestSchema - native.schema);
    const int32_t lowest = CoarserIndex(kLowestFinest, level);
    const int32_t highest = CoarserIndex(kHighestFinest, level);
    for (auto* side : {&native.positive, &native.negative}) {
      for (size_t n = Below(8); n > 0; --n) {
        const auto width = static_cast<size_t>(highest - lowest + 1);
        const int32_t index = Chance(6)   ? highest
                              : Chance(6) ? lowest
                                          : lowest + static_cast<int32_t>(Below(width));
        (*side)[index] = Below(100);
      }
    }
    value->native = native;
  }

  void Summary(PartValue* value) {
    value->fields.point.has_sum = !Chance(4);
    value->fields.point.sum = Double();
    value->fields.point.integer = random_();
    value->quantiles = Ascending(Below(4), 0.001);
    if (Chance(2)) {
      for (size_t i = 0; i < value->quantiles.size(); ++i) {
        value->quantile_values.push_back(Double());
      }
    }
    std::set<int64_t> buckets;
    for (size_t n = Below(6); n > 0; --n) {
      const double observed = Double();
      if (!std::isnan(observed)) buckets.insert(SketchBucketOf(observed));
    }
    for (const int64_t bucket : buckets) value->window.push_back({bucket, random_()});
  }

  std::mt19937_64 random_;
};

}  // namespace promplug::testing
