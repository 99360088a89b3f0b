// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <vector>

#include "metrics/exemplar_store.hpp"
#include "metrics/foreign_memory.hpp"
#include "metrics/point.hpp"

namespace promplug {

// The exemplars of one family in another process's segment.
class SegmentExemplars {
 public:
  // `newest`, the owner's pointer, leads to all of them. `memory` must outlive it.
  SegmentExemplars(const ExemplarNode* newest, LimitedMemory* memory)
      : newest_(newest), memory_(*memory) {}

  // Those of one series, one for each of `buckets`; empty: it has none. `series` is the owner's
  // pointer. The list of the family is read once, at the first call. Valid until the next call.
  const std::vector<Exemplar>& Of(const Series* series, size_t buckets);

 private:
  struct Kept {
    uint32_t bucket = 0;
    double value = 0;
    int64_t unix_ms = 0;
    std::string labels;
  };

  void ReadAll();
  static bool ReadNode(const ExemplarNode& node, size_t capacity, const Series** series,
                       Kept* kept);

  const ExemplarNode* const newest_;
  LimitedMemory& memory_;
  bool read_ = false;
  std::multimap<const Series*, Kept> kept_;
  std::vector<Exemplar> exemplars_;
};

}  // namespace promplug
