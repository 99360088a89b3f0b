// SPDX-License-Identifier: MIT
#pragma once

#include "abi/points.hpp"
#include "gather/collector_writer.hpp"
#include "promplug/promplug.h"

namespace promplug::abi {

// The writer table that a collector of the host is given, over the plugin's own writer. Lives
// during one collect().
class HostWriter {
 public:
  explicit HostWriter(CollectorWriter* writer);
  HostWriter(const HostWriter&) = delete;
  HostWriter& operator=(const HostWriter&) = delete;

  const promplug_writer* table() const { return &table_; }

 private:
  static HostWriter& Of(const promplug_writer* table);
  static int32_t BeginFamily(const promplug_writer* w, const promplug_family_head* head);
  static int32_t AddPoint(const promplug_writer* w, const promplug_point* point);
  static int32_t AddSample(const promplug_writer* w, const promplug_kv* labels, size_t n_labels,
                           double value);
  static int64_t TimeLeftMs(const promplug_writer* w);

  // First, so that its address is that of the object.
  promplug_writer table_;
  CollectorWriter* writer_;
  MetricType type_ = MetricType::kUntyped;
  PointFromHost points_;
};

}  // namespace promplug::abi
