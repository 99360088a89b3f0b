// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "multiprocess/set_merge.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug::testing {

inline std::string NumberText(double number) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", number);
  return std::isnan(number) ? "NaN" : text;
}

template <typename T>
std::string ListText(const T* values, size_t n) {
  std::string text = "[";
  for (size_t i = 0; i < n; ++i) {
    text += (i == 0 ? "" : " ") + NumberText(static_cast<double>(values[i]));
  }
  return text + "]";
}

inline std::string NativeText(const NativeHistogram& native) {
  std::string text = " native schema=" + std::to_string(native.schema) +
                     " zero=" + std::to_string(native.zero_count) +
                     " within=" + NumberText(native.zero_threshold);
  const auto side = [&](const int32_t* offsets, const uint32_t* lengths, size_t n,
                        const uint64_t* counts, char sign) {
    int64_t index = 0;
    for (size_t i = 0; i < n; ++i) {
      index += offsets[i];
      for (uint32_t k = 0; k < lengths[i]; ++k, ++index) {
        text += std::string(" ") + sign + std::to_string(index) + ":" + std::to_string(*counts++);
      }
    }
  };
  side(native.positive_offsets, native.positive_lengths, native.n_positive_spans,
       native.positive_counts, '+');
  side(native.negative_offsets, native.negative_lengths, native.n_negative_spans,
       native.negative_counts, '-');
  return text;
}

inline std::string ExemplarsText(const Point& point) {
  std::string text;
  for (size_t i = 0; i < point.n_exemplars; ++i) {
    const Exemplar& each = point.exemplars[i];
    if (each.labels.empty()) continue;
    text += " #" + std::to_string(i) + std::string(each.labels) + NumberText(each.value) + "@" +
            std::to_string(each.unix_ms);
  }
  return text;
}

// All that a point of the type says but its labels.
inline std::string PointText(MetricType type, const Point& point) {
  std::string text;
  switch (type) {
    case MetricType::kHistogram:
    case MetricType::kGaugeHistogram:
      text = ListText(point.bounds, point.n_bounds) + ListText(point.counts, point.n_bounds + 1) +
             (point.has_sum ? " sum=" + NumberText(point.sum) : "");
      if (point.native != nullptr) text += NativeText(*point.native);
      break;
    case MetricType::kSummary:
      text = "count=" + std::to_string(point.integer) +
             (point.has_sum ? " sum=" + NumberText(point.sum) : "") + " " +
             ListText(point.quantiles, point.n_quantiles);
      if (point.quantile_values != nullptr) {
        text += ListText(point.quantile_values, point.n_quantiles);
      }
      break;
    default:
      text = point.is_integer ? std::to_string(point.integer) + "i" : NumberText(point.value);
      if (type != MetricType::kStateset || point.n_states == 0) break;
      text = "states=" + std::to_string(point.states) + " of";
      for (size_t i = 0; i < point.n_states; ++i) text += " " + std::string(point.state_names[i]);
  }
  if (point.has_timestamp) text += " at=" + std::to_string(point.timestamp_ms);
  if (point.created_ms != 0) text += " created=" + std::to_string(point.created_ms);
  return text + ExemplarsText(point);
}

// Also what another merge needs.
inline std::string PartText(MetricType type, const PartPoint& part) {
  std::string text = std::string(part.point.labels) + " " + PointText(type, part.point);
  if (part.stamp_ns != 0) text += " stamp=" + std::to_string(part.stamp_ns);
  if (part.touched_ms != 0) text += " touched=" + std::to_string(part.touched_ms);
  if (part.low != 0) text += " low=" + NumberText(part.low);
  for (size_t i = 0; i < part.n_window; ++i) {
    text +=
        " w" + std::to_string(part.window[i].bucket) + ":" + std::to_string(part.window[i].count);
  }
  return text;
}

// What a merge shows: by the name with its labels, what the series says.
inline std::map<std::string, std::string> SeriesOf(const SetMerge& merge, size_t batch = 3) {
  std::map<std::string, std::string> series;
  std::vector<Point> points(batch);
  for (size_t i = 0; i < merge.n_families(); ++i) {
    const FamilyHead& head = merge.Head(i).head;
    const auto source = merge.Read(i);
    while (const size_t n = source->Next(points.data(), points.size())) {
      for (size_t k = 0; k < n; ++k) {
        const std::string name = std::string(head.name) + std::string(points[k].labels);
        const bool is_new = series.emplace(name, PointText(head.type, points[k])).second;
        if (!is_new) series[name] += " TWICE";
      }
    }
  }
  return series;
}

}  // namespace promplug::testing
