// SPDX-License-Identifier: MIT
#pragma once

// The bridge between promplug and the host's own prometheus-cpp, both ways. Header-only, compiled
// with the host's prometheus-cpp, so that versions cannot clash. Knows promplug.hpp and
// prometheus-cpp (core).

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "promplug.hpp"

namespace promplug::host {

namespace detail {

inline int32_t AbiType(prometheus::MetricType type) noexcept {
  switch (type) {
    case prometheus::MetricType::Counter:
      return PROMPLUG_COUNTER;
    case prometheus::MetricType::Gauge:
      return PROMPLUG_GAUGE;
    case prometheus::MetricType::Summary:
      return PROMPLUG_SUMMARY;
    case prometheus::MetricType::Histogram:
      return PROMPLUG_HISTOGRAM;
    default:
      return PROMPLUG_UNTYPED;
  }
}

// One metric of prometheus-cpp as a point of the ABI. Used again for the next, to keep its memory.
class MetricPoint {
 public:
  const promplug_point& Fill(prometheus::MetricType type, const prometheus::ClientMetric& metric) {
    point_ = Sized<promplug_point>();
    first_.clear();
    second_.clear();
    counts_.clear();
    labels_.clear();
    for (const auto& label : metric.label) labels_.push_back({Str(label.name), Str(label.value)});
    point_.labels = labels_.data();
    point_.n_labels = labels_.size();
    if (metric.timestamp_ms != 0) {
      point_.flags |= PROMPLUG_POINT_TIMESTAMP;
      point_.unix_ms = metric.timestamp_ms;
    }
    FillValue(type, metric);
    return point_;
  }

 private:
  void FillValue(prometheus::MetricType type, const prometheus::ClientMetric& metric) {
    switch (type) {
      case prometheus::MetricType::Counter:
        point_.value = metric.counter.value;
        break;
      case prometheus::MetricType::Gauge:
        point_.value = metric.gauge.value;
        break;
      case prometheus::MetricType::Summary:
        FillSummary(metric.summary);
        break;
      case prometheus::MetricType::Histogram:
        FillHistogram(metric.histogram);
        break;
      default:
        point_.value = metric.untyped.value;
    }
  }
  void FillSummary(const prometheus::ClientMetric::Summary& summary) {
    for (const auto& quantile : summary.quantile) {
      first_.push_back(quantile.quantile);
      second_.push_back(quantile.value);
    }
    point_.count = summary.sample_count;
    point_.sum = summary.sample_sum;
    point_.quantiles = first_.data();
    point_.quantile_values = second_.data();
    point_.n_quantiles = first_.size();
  }
  void FillHistogram(const prometheus::ClientMetric::Histogram& histogram) {
    for (const auto& bucket : histogram.bucket) {
      if (!std::isfinite(bucket.upper_bound)) continue;  // +Inf is implied by the count.
      first_.push_back(bucket.upper_bound);
      counts_.push_back(bucket.cumulative_count);
    }
    point_.count = histogram.sample_count;
    point_.sum = histogram.sample_sum;
    point_.bounds = first_.data();
    point_.cumulative_counts = counts_.data();
    point_.n_bounds = first_.size();
  }

  promplug_point point_{};
  std::vector<promplug_kv> labels_;
  std::vector<double> first_;   // bounds or quantiles
  std::vector<double> second_;  // values of the quantiles
  std::vector<uint64_t> counts_;
};

inline bool WriteFamilies(const std::vector<prometheus::MetricFamily>& families, Writer& writer) {
  MetricPoint point;
  for (const auto& family : families) {
    if (!writer.Family(AbiType(family.type), family.name, family.help)) return false;
    for (const auto& metric : family.metric) {
      if (!writer.Point(point.Fill(family.type, metric))) return false;
    }
  }
  return true;
}

// What prometheus-cpp has no type for becomes the type that has the same lines in the text format.
inline prometheus::MetricType PeerType(int32_t type) noexcept {
  switch (type) {
    case PROMPLUG_COUNTER:
      return prometheus::MetricType::Counter;
    case PROMPLUG_GAUGE:
    case PROMPLUG_INFO:
    case PROMPLUG_STATESET:
      return prometheus::MetricType::Gauge;
    case PROMPLUG_SUMMARY:
      return prometheus::MetricType::Summary;
    case PROMPLUG_HISTOGRAM:
    case PROMPLUG_GAUGE_HISTOGRAM:
      return prometheus::MetricType::Histogram;
    default:
      return prometheus::MetricType::Untyped;
  }
}

inline prometheus::MetricFamily PeerFamily(const promplug_family_head& head) {
  constexpr std::string_view kInfoSuffix = "_info";
  prometheus::MetricFamily family;
  family.name = View(head.name);
  family.help = View(head.help);
  family.type = PeerType(head.type);
  const bool has_suffix =
      family.name.size() > kInfoSuffix.size() &&
      std::string_view(family.name).substr(family.name.size() - kInfoSuffix.size()) == kInfoSuffix;
  if (head.type == PROMPLUG_INFO && !has_suffix) family.name += kInfoSuffix;
  return family;
}

inline prometheus::ClientMetric PeerMetric(prometheus::MetricType type,
                                           const promplug_point& point) {
  prometheus::ClientMetric metric;
  metric.label.reserve(point.n_labels);
  for (size_t i = 0; i < point.n_labels; ++i) {
    metric.label.push_back(
        {std::string(View(point.labels[i].key)), std::string(View(point.labels[i].value))});
  }
  if ((point.flags & PROMPLUG_POINT_TIMESTAMP) != 0) metric.timestamp_ms = point.unix_ms;
  switch (type) {
    case prometheus::MetricType::Counter:
      metric.counter.value = point.value;
      break;
    case prometheus::MetricType::Gauge:
      metric.gauge.value = point.value;
      break;
    case prometheus::MetricType::Summary:
      metric.summary.sample_count = point.count;
      metric.summary.sample_sum = point.sum;
      for (size_t i = 0; i < point.n_quantiles; ++i) {
        metric.summary.quantile.push_back({point.quantiles[i], point.quantile_values[i]});
      }
      break;
    case prometheus::MetricType::Histogram:
      metric.histogram.sample_count = point.count;
      metric.histogram.sample_sum = point.sum;
      for (size_t i = 0; i < point.n_bounds; ++i) {
        metric.histogram.bucket.push_back({point.cumulative_counts[i], point.bounds[i]});
      }
      metric.histogram.bucket.push_back({point.count, std::numeric_limits<double>::infinity()});
      break;
    default:
      metric.untyped.value = point.value;
  }
  return metric;
}

}  // namespace detail

// What `collectable`, such as a prometheus::Registry, collects becomes part of what the plugin
// serves and pushes, as the collector `name`. The collector shares ownership.
inline Result<Registration> Bridge(Plugin& plugin, std::string_view name,
                                   std::shared_ptr<const prometheus::Collectable> collectable,
                                   const CollectorOptions& options = {}) {
  return plugin.Collector(
      name,
      [collectable = std::move(collectable)](Writer& writer) {
        return detail::WriteFamilies(collectable->Collect(), writer);
      },
      options);
}

// The plugin's families as a prometheus::Collectable, for a host that keeps its Exposer or its own
// Gateway. Thread-safe; refers to the plugin, which must outlive it.
class PluginCollectable : public prometheus::Collectable {
 public:
  // All but what comes from collectors and values, since the Collectables of the host that came
  // over the bridge are among those and its Exposer has them already. Add
  // PROMPLUG_GATHER_COLLECTORS where nothing came over it.
  static constexpr uint32_t kDefaultSources =
      PROMPLUG_GATHER_INSTRUMENTS | PROMPLUG_GATHER_PROCESS | PROMPLUG_GATHER_SELF;

  explicit PluginCollectable(const Plugin& plugin, uint32_t sources = kDefaultSources,
                             std::chrono::milliseconds timeout = std::chrono::seconds(10))
      : plugin_(plugin), sources_(sources), timeout_(timeout) {}

  // Whole, or empty when the plugin could not gather: not running, or asked from inside a
  // collector of its own.
  std::vector<prometheus::MetricFamily> Collect() const override {
    std::vector<prometheus::MetricFamily> families;
    const auto on_family = [&](const promplug_family_head& head) {
      families.push_back(detail::PeerFamily(head));
      return true;
    };
    const auto on_point = [&](const promplug_point& point) {
      auto& family = families.back();
      family.metric.push_back(detail::PeerMetric(family.type, point));
      return true;
    };
    if (!plugin_.Gather(on_family, on_point, sources_, timeout_)) families.clear();
    return families;
  }

 private:
  const Plugin& plugin_;
  uint32_t sources_;
  std::chrono::milliseconds timeout_;
};

}  // namespace promplug::host
