// SPDX-License-Identifier: MIT
#include "metrics/native_buckets.hpp"

#include <algorithm>
#include <new>

#include "metrics/native_reading.hpp"

namespace promplug {

NativeBuckets* NativeBuckets::Make(const NativeShape& shape, MetricMemory& memory) {
  NativeTable* table = NativeTable::Make(shape.max_buckets, shape.level, memory);
  if (table == nullptr) return nullptr;
  void* block = memory.Allocate(sizeof(NativeBuckets), alignof(NativeBuckets));
  if (block != nullptr) return new (block) NativeBuckets(shape, table, memory);
  NativeTable::Free(table, memory);
  return nullptr;
}

void NativeBuckets::Free(NativeBuckets* buckets) {
  if (buckets == nullptr) return;
  MetricMemory& memory = buckets->memory_;
  for (NativeTable* table : buckets->tables_) NativeTable::Free(table, memory);
  memory.Free(buckets, sizeof(NativeBuckets), alignof(NativeBuckets));
}

void NativeBuckets::AddCoarsest(bool negative, int32_t finest_index) {
  const int32_t index = CoarserIndex(finest_index, kCoarsestLevel) - kLowestCoarsest;
  counts_.any_coarsest.store(1, std::memory_order_relaxed);
  counts_.coarsest[negative ? 1 : 0][index].fetch_add(1, std::memory_order_relaxed);
}

bool NativeBuckets::Maintain() {
  const NativeTable* front = front_.load(std::memory_order_relaxed);
  if (!front->coarsened()) return true;
  // At the level of all that was counted so far there is room for it below the limit.
  NativeReading reading;
  reading.Read(*this, max_buckets_, front->level());
  const auto level = static_cast<uint32_t>(kFinestSchema - reading.histogram().schema);
  NativeTable* table = NativeTable::Make(max_buckets_, level, memory_);
  if (table == nullptr) return false;
  const uint32_t n = n_tables_.load(std::memory_order_relaxed);
  tables_[n] = table;
  n_tables_.store(n + 1, std::memory_order_release);
  front_.store(table, std::memory_order_release);
  return true;
}

void NativeBuckets::Zero() {
  const uint32_t n = n_tables_.load(std::memory_order_acquire);
  for (uint32_t i = 0; i < n; ++i) tables_[i]->Zero();
  counts_.zero.store(0, std::memory_order_relaxed);
  counts_.any_coarsest.store(0, std::memory_order_relaxed);
  for (auto& side : counts_.coarsest) {
    for (std::atomic<uint64_t>& count : side) count.store(0, std::memory_order_relaxed);
  }
}

}  // namespace promplug
