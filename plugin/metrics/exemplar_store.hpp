// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics/point.hpp"

namespace promplug {

class Series;

// Whether these labels, rendered as in Exemplar::labels, may stand in an exemplar: names, which are
// plain, and values are together 1 to 128 characters (OpenMetrics 1.0, "Exemplars").
bool IsGoodExemplar(std::string_view rendered_labels);

// The newest exemplars of a family's series: one for a counter (its bucket is 0) or for each bucket
// of a histogram that ever had one, so that memory goes by use. Not thread-safe.
class ExemplarStore {
 public:
  struct Kept {
    uint32_t bucket = 0;
    double value = 0;
    int64_t unix_ms = 0;
    std::string labels;  // empty: none yet
  };

  // The place for that bucket, made if need be; stays valid until the next call.
  Kept* Place(const Series* series, uint32_t bucket);
  void Forget(const Series* series) { rows_.erase(series); }
  void ForgetAll() { rows_.clear(); }
  // In the order of the buckets; nullptr: the series has none.
  const std::vector<Kept>* Find(const Series* series) const;

 private:
  std::unordered_map<const Series*, std::vector<Kept>> rows_;
};

}  // namespace promplug
