// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "metrics/family_record.hpp"
#include "metrics/metric_memory.hpp"

namespace promplug {

class Series;

// Whether these labels, rendered as in Exemplar::labels, may stand in an exemplar: names, which are
// plain, and values are together 1 to 128 characters (OpenMetrics 1.0, "Exemplars").
bool IsGoodExemplar(std::string_view rendered_labels);

// One exemplar in the MetricMemory of its family, followed by `capacity` bytes for its labels. The
// nodes of a family are a list that only grows; one without a series waits to be used again. A
// reader that finds `version` odd or changed has seen a half-made change.
struct ExemplarNode {
  ExemplarNode* next = nullptr;
  uint32_t capacity = 0;
  std::atomic<uint32_t> length{0};  // 0: nothing yet
  std::atomic<uint64_t> version{0};
  std::atomic<const Series*> series{nullptr};
  std::atomic<uint64_t> value_bits{0};
  std::atomic<int64_t> unix_ms{0};
  std::atomic<uint32_t> bucket{0};  // 0 for a counter
  uint32_t reserved = 0;

  char* text() { return reinterpret_cast<char*>(this + 1); }
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
  std::string_view labels() const { return {text(), length.load(std::memory_order_relaxed)}; }
};

// The newest exemplars of a family's series: one for a counter or for each bucket of a histogram
// that ever had one, so that memory goes by use. Not thread-safe but for what readers in other
// processes see.
class ExemplarStore {
 public:
  ExemplarStore(FamilyRecord* record, MetricMemory& memory) : record_(*record), memory_(memory) {}
  ~ExemplarStore();
  ExemplarStore(const ExemplarStore&) = delete;
  ExemplarStore& operator=(const ExemplarStore&) = delete;

  // The place for that bucket, made if need be, with room for so much text; stays valid until the
  // series is forgotten or asks for more room. nullptr when memory is short: what there was for the
  // bucket stays.
  ExemplarNode* Place(const Series* series, uint32_t bucket, size_t text_bytes) noexcept;
  static void Write(ExemplarNode* node, double value, int64_t unix_ms, std::string_view labels);

  void Forget(const Series* series);
  void ForgetAll();
  // In the order of the buckets; nullptr: the series has none.
  const std::vector<ExemplarNode*>* Find(const Series* series) const;

 private:
  ExemplarNode* PlaceIn(std::vector<ExemplarNode*>* row, const Series* series, uint32_t bucket,
                        size_t text_bytes);
  ExemplarNode* NewNode(size_t text_bytes);
  void Release(ExemplarNode* node);

  FamilyRecord& record_;
  MetricMemory& memory_;
  std::unordered_map<const Series*, std::vector<ExemplarNode*>> rows_;
  std::vector<ExemplarNode*> free_;
  size_t n_nodes_ = 0;
};

}  // namespace promplug
