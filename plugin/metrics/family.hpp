// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "metrics/labels.hpp"
#include "metrics/point.hpp"

namespace promplug {

class Series;
class HotList;
class ReadSections;

// What a host says of a family when it makes it. Copied by the family.
struct FamilyDescription {
  MetricType type = MetricType::kCounter;
  std::string_view name;
  std::string_view help;
  std::string_view unit;
  std::vector<std::string_view> label_names;
  std::vector<Label> const_labels;
  std::vector<double> buckets;    // kHistogram; empty: the default bounds
  std::vector<double> quantiles;  // kSummary
  uint32_t summary_window_seconds = 0;
  uint32_t max_series = 0;  // 0: the registry's default
  std::vector<std::string_view> states;
};

// What all families of a registry share.
struct FamilyContext {
  const Clock* clock = nullptr;
  HotList* hot = nullptr;
  ReadSections* sections = nullptr;
  std::atomic<uint32_t> default_max_series{100000};
  std::atomic<uint64_t> live_series{0};
  std::atomic<uint64_t> refused_series{0};
  std::atomic<uint64_t> ignored_updates{0};
};

}  // namespace promplug
