// SPDX-License-Identifier: MIT
#include "metrics/native_table.hpp"

#include <algorithm>
#include <array>
#include <new>

namespace promplug {

NativeTable* NativeTable::Make(uint32_t max_buckets, uint32_t level, MetricMemory& memory) {
  constexpr uint32_t kFewestPlaces = 128;
  const uint32_t places = std::max(std::bit_ceil(2 * max_buckets), kFewestPlaces);
  void* block = memory.Allocate(BytesOf(places), alignof(NativeTable));
  if (block == nullptr) return nullptr;
  return new (block) NativeTable(places, max_buckets, level);
}

void NativeTable::Free(NativeTable* table, MetricMemory& memory) {
  if (table != nullptr) memory.Free(table, BytesOf(table->places()), alignof(NativeTable));
}

// One of those who come past the step takes it. True for that one.
bool NativeTable::PlaceTaken() {
  const uint32_t taken = taken_.fetch_add(1, std::memory_order_relaxed) + 1;
  uint32_t state = state_.load(std::memory_order_relaxed);
  const uint32_t step = state >> kStepShift;
  if (taken < step) [[likely]]
    return false;
  const uint32_t places = mask_ + 1;
  const uint32_t next = StateOf((step + places + 1) / 2, NextLevel(state & kLevelMask));
  return state_.compare_exchange_strong(state, next, std::memory_order_relaxed);
}

uint32_t NativeTable::NextLevel(uint32_t level) const {
  // One level halves the buckets where all of them are in use. Values of a burst that hit this part
  // of the limit have hit most of what there is to hit.
  const uint32_t wanted = (max_buckets_ * 5 + 7) / 8;
  do {
    ++level;
  } while (level < kCoarsestLevel && BucketsAt(level) > wanted);
  return level;
}

// About how many buckets there would be at a level: those whose hashes differ.
uint32_t NativeTable::BucketsAt(uint32_t level) const {
  constexpr uint32_t kBits = 1u << 14;
  constexpr uint32_t kHashShift = 32 - 14;
  std::array<uint64_t, kBits / 64> seen{};
  uint32_t buckets = 0;
  ForEach([&](bool negative, uint32_t at, int32_t index, uint64_t) {
    if (at > level) return;
    const uint32_t hash =
        (KeyOf(negative, level, CoarserIndex(index, level - at)) * 0x9E3779B1u) >> kHashShift;
    const uint64_t bit = uint64_t{1} << (hash % 64);
    buckets += (seen[hash / 64] & bit) == 0 ? 1 : 0;
    seen[hash / 64] |= bit;
  });
  return buckets;
}

void NativeTable::Zero() {
  for (uint32_t place = 0; place <= mask_; ++place) {
    counts()[place].store(0, std::memory_order_relaxed);
  }
}

}  // namespace promplug
