// SPDX-License-Identifier: MIT
#include "relay/hash_table.hpp"

#include <algorithm>

namespace promplug {
namespace {

constexpr size_t kFirstSlots = 32;
constexpr size_t kKeptSlots = 256;  // of each shard, beyond Clear()

}  // namespace

uint64_t* WordTable::SlotOf(Shard& shard, uint64_t word) const {
  const size_t size = shard.slots.size();
  size_t at = static_cast<size_t>(((word >> 32) * size) >> 32);
  while (shard.slots[at] != 0 && ((shard.slots[at] ^ word) & identity_) != 0) {
    if (++at == size) at = 0;
  }
  return &shard.slots[at];
}

uint64_t* WordTable::Find(uint64_t word) {
  Shard& shard = ShardOf(word);
  if (shard.used == 0) return nullptr;
  uint64_t* const slot = SlotOf(shard, word);
  return *slot == 0 ? nullptr : slot;
}

bool WordTable::Insert(uint64_t word) {
  Shard& shard = ShardOf(word);
  // Between 57% and 85% full: 9.4 to 14.1 bytes a word.
  if ((shard.used + 1) * 20 > shard.slots.size() * 17) Grow(shard);
  uint64_t* const slot = SlotOf(shard, word);
  if (*slot != 0) return false;
  *slot = word;
  ++shard.used;
  return true;
}

void WordTable::Grow(Shard& shard) const {
  const size_t size = shard.slots.size();
  std::vector<uint64_t> old(size == 0 ? kFirstSlots : size + size / 2);
  old.swap(shard.slots);
  for (const uint64_t word : old) {
    if (word != 0) *SlotOf(shard, word) = word;
  }
}

void WordTable::Clear() {
  for (Shard& shard : shards_) {
    if (shard.used == 0) continue;
    shard.used = 0;
    if (shard.slots.size() > kKeptSlots) {
      std::vector<uint64_t>().swap(shard.slots);
    } else {
      std::fill(shard.slots.begin(), shard.slots.end(), 0);
    }
  }
}

bool SeenSeries::Insert(uint64_t hash) {
  if (hash == 0) hash = 1;
  if (is_many_) return many_.Insert(hash);
  const auto few_end = few_.begin() + static_cast<std::ptrdiff_t>(few_count_);
  if (std::find(few_.begin(), few_end, hash) != few_end) return false;
  if (few_count_ == few_.size()) return InsertIntoMany(hash);
  few_[few_count_++] = hash;
  return true;
}

bool SeenSeries::InsertIntoMany(uint64_t hash) {
  is_many_ = true;
  for (const uint64_t one : few_) many_.Insert(one);
  return many_.Insert(hash);
}

void SeenSeries::Clear() {
  if (is_many_) many_.Clear();
  is_many_ = false;
  few_count_ = 0;
}

}  // namespace promplug
