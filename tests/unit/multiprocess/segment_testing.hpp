// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "metrics/registry.hpp"
#include "multiprocess/set_merge.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug::test {

inline Family* MakeFamily(Registry& registry, MetricType type, std::string_view name,
                          ProcessMode mode = ProcessMode::kDefault, uint32_t native = 0) {
  FamilyDescription description;
  description.type = type;
  description.name = name;
  description.help = "Help.";
  description.label_names = {"id"};
  description.process_mode = mode;
  description.native_max_buckets = native;
  if (type == MetricType::kHistogram) description.buckets = {1, 10, 100};
  if (type == MetricType::kSummary) description.quantiles = {0.5, 0.99};
  if (type == MetricType::kStateset) description.states = {"on", "off"};
  Result<Family*> family = registry.FindOrMake(description);
  if (!family.ok()) throw std::runtime_error(family.status().text());
  return family.value();
}

// Pinned until the registry goes.
inline Series* Get(Family* family, std::string_view id) {
  Series* series = nullptr;
  const Status status = family->FindOrMake(&id, 1, &series);
  if (!status.ok()) throw std::runtime_error(status.text());
  return series;
}

// What a view says of the single values and counts: "name{labels}" to value.
inline std::map<std::string, double> ValuesOf(const SetMerge& view) {
  std::map<std::string, double> values;
  for (size_t i = 0; i < view.n_families(); ++i) {
    const PartHead& head = view.Head(i);
    const std::unique_ptr<PointSource> source = view.Read(i);
    Point point;
    while (source->Next(&point, 1) == 1) {
      double value = point.is_integer ? static_cast<double>(point.integer) : point.value;
      if (head.head.type == MetricType::kHistogram) {
        value = 0;
        for (size_t b = 0; b <= point.n_bounds; ++b) value += static_cast<double>(point.counts[b]);
      } else if (head.head.type == MetricType::kStateset) {
        value = static_cast<double>(point.states);
      }
      values[std::string(head.head.name) + std::string(point.labels)] = value;
    }
  }
  return values;
}

}  // namespace promplug::test
