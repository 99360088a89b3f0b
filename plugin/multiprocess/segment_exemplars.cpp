// SPDX-License-Identifier: MIT
#include "multiprocess/segment_exemplars.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "base/acquire_fence.hpp"
#include "metrics/labels.hpp"

namespace promplug {
namespace {

// A node whose owner is always in the middle of changing it, or died there, has no exemplar.
constexpr int kTries = 4;

}  // namespace

bool SegmentExemplars::ReadNode(const ExemplarNode& node, size_t capacity, const Series** series,
                                Kept* kept) {
  for (int i = 0; i < kTries; ++i) {
    const uint64_t before = node.version.load(std::memory_order_acquire);
    if (before % 2 != 0) continue;
    *series = node.series.load(std::memory_order_relaxed);
    kept->bucket = node.bucket.load(std::memory_order_relaxed);
    kept->value = std::bit_cast<double>(node.value_bits.load(std::memory_order_relaxed));
    kept->unix_ms = node.unix_ms.load(std::memory_order_relaxed);
    const size_t length = node.length.load(std::memory_order_relaxed);
    kept->labels.assign(node.text(), std::min(length, capacity));
    AcquireFence();
    if (node.version.load(std::memory_order_relaxed) != before) continue;
    return *series != nullptr && length > 0 && length <= capacity && IsLabelBlock(kept->labels);
  }
  return false;
}

void SegmentExemplars::ReadAll() {
  for (const ExemplarNode* at = newest_; at != nullptr;) {
    const ExemplarNode* node = memory_.Look(at);
    if (node == nullptr) return;
    const size_t capacity = node->capacity;
    if (memory_.Member(at, sizeof(ExemplarNode) + capacity) == nullptr) return;
    const Series* series = nullptr;
    Kept kept;
    if (ReadNode(*node, capacity, &series, &kept)) kept_.emplace(series, std::move(kept));
    at = node->next;
  }
}

const std::vector<Exemplar>& SegmentExemplars::Of(const Series* series, size_t buckets) {
  if (!std::exchange(read_, true)) ReadAll();
  exemplars_.clear();
  const auto [begin, end] = kept_.equal_range(series);
  for (auto at = begin; at != end; ++at) {
    const Kept& kept = at->second;
    if (kept.bucket >= buckets) continue;
    exemplars_.resize(buckets);
    exemplars_[kept.bucket] = {kept.labels, kept.value, kept.unix_ms};
  }
  return exemplars_;
}

}  // namespace promplug
