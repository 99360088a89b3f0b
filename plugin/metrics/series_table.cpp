// SPDX-License-Identifier: MIT
#include "metrics/series_table.hpp"

#include <cstdlib>
#include <new>

namespace promplug {
namespace {

constexpr size_t kFirstSlots = 4;

}  // namespace

SeriesTable::~SeriesTable() { std::free(slots_.load()); }

SeriesTable::Slots* SeriesTable::NewSlots(size_t count) {
  void* memory = std::calloc(1, sizeof(Slots) + count * sizeof(std::atomic<uintptr_t>));
  if (memory == nullptr) throw std::bad_alloc();
  auto* slots = static_cast<Slots*>(memory);
  slots->mask = count - 1;
  return slots;
}

void SeriesTable::Put(Slots* slots, uint64_t hash, uintptr_t slot) {
  size_t i = hash & slots->mask;
  while (slots->at(i).load(std::memory_order_relaxed) > kTombstone) i = (i + 1) & slots->mask;
  slots->at(i).store(slot, std::memory_order_release);
}

void SeriesTable::Grow() {
  Slots* old = slots_.load(std::memory_order_relaxed);
  const size_t old_count = old == nullptr ? 0 : old->mask + 1;
  // Tombstones alone are cleared away without growing.
  const size_t count =
      old_count == 0 ? kFirstSlots : (live_ * 2 >= old_count ? old_count * 2 : old_count);
  Slots* grown = NewSlots(count);
  for (size_t i = 0; i < old_count; ++i) {
    const uintptr_t slot = old->at(i).load(std::memory_order_relaxed);
    if (slot <= kTombstone) continue;
    // The low bits of the hash are kept by the series, the tag by the slot; nothing in between is
    // used: tables stay below 2^32 slots.
    Put(grown, (slot & kTagMask) | PointerOf(slot)->hash_, slot);
  }
  tombstones_ = 0;
  slots_.store(grown, std::memory_order_release);
  if (old != nullptr) sections_->Retire([old] { std::free(old); });
}

void SeriesTable::Insert(uint64_t hash, Series* series) {
  const Slots* slots = slots_.load(std::memory_order_relaxed);
  // At most three quarters full, tombstones included, so that a look-up always meets an empty slot.
  if (slots == nullptr || (live_ + tombstones_ + 1) * 4 > (slots->mask + 1) * 3) Grow();
  Put(slots_.load(std::memory_order_relaxed), hash,
      TagOf(hash) | reinterpret_cast<uintptr_t>(series));
  ++live_;
}

void SeriesTable::Erase(uint64_t hash, Series* series) {
  Slots* slots = slots_.load(std::memory_order_relaxed);
  const uintptr_t wanted = TagOf(hash) | reinterpret_cast<uintptr_t>(series);
  for (size_t i = hash & slots->mask;; i = (i + 1) & slots->mask) {
    const uintptr_t slot = slots->at(i).load(std::memory_order_relaxed);
    if (slot == kEmpty) return;
    if (slot != wanted) continue;
    slots->at(i).store(kTombstone, std::memory_order_release);
    --live_;
    ++tombstones_;
    return;
  }
}

}  // namespace promplug
