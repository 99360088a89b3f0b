// SPDX-License-Identifier: MIT
#include "bench/plugin_updates.hpp"

#include <iterator>

namespace promplug::bench {
namespace {

promplug_family_desc Desc(int32_t type, const char* name) {
  promplug_family_desc desc = {};
  desc.struct_size = sizeof desc;
  desc.type = type;
  desc.name = Str(name);
  desc.help = Str("Measured.");
  if (type == PROMPLUG_HISTOGRAM) {
    desc.buckets = kBounds;
    desc.n_buckets = std::size(kBounds);
  }
  return desc;
}

}  // namespace

PluginUpdates::PluginUpdates(const Instance::Overrides& overrides)
    : instance(overrides), labels(LabelValuesOf(kLookedUp)) {
  counter = Single(PROMPLUG_COUNTER, "counter_total");
  fraction = Single(PROMPLUG_COUNTER, "fraction_total");
  gauge = Single(PROMPLUG_GAUGE, "gauge");
  histogram = Single(PROMPLUG_HISTOGRAM, "histogram");
  promplug_family_desc native_desc = Desc(PROMPLUG_HISTOGRAM, "native_histogram");
  native_desc.n_buckets = 0;
  native_desc.native_max_buckets = 160;
  native = Metric(instance.Family(native_desc), nullptr, 0);
  static const promplug_str kNames[] = {Str(kLabelNames[0]), Str(kLabelNames[1]),
                                        Str(kLabelNames[2])};
  promplug_family_desc desc = Desc(PROMPLUG_COUNTER, "looked_up_total");
  desc.label_names = kNames;
  desc.n_label_names = 3;
  looked_up = instance.Family(desc);
  for (size_t i = 0; i < kLookUpSeries; ++i) {
    const LabelValues values = LabelValuesOf(i);
    const promplug_str strs[] = {Str(values[0]), Str(values[1]), Str(values[2])};
    Metric(looked_up, strs, 3);
  }
  for (size_t i = 0; i < 3; ++i) label_strs[i] = Str(labels[i]);
}

promplug_metric* PluginUpdates::Single(int32_t type, const char* name) {
  return Metric(instance.Family(Desc(type, name)), nullptr, 0);
}

}  // namespace promplug::bench
