// SPDX-License-Identifier: MIT
#include "gather/series_set.hpp"

#include <utility>

#include "metrics/labels.hpp"

namespace promplug {
namespace {

constexpr size_t kFirstSlots = 16;

// The slot of `hash`, or the free one where it belongs.
size_t FindSlot(const std::vector<uint64_t>& slots, uint64_t hash) {
  const size_t mask = slots.size() - 1;
  size_t i = hash & mask;
  while (slots[i] != 0 && slots[i] != hash) i = (i + 1) & mask;
  return i;
}

}  // namespace

bool SeriesSet::Insert(uint64_t hash) {
  if (hash == 0) hash = 1;
  if (size_ * 4 >= slots_.size() * 3) Grow();
  const size_t slot = FindSlot(slots_, hash);
  if (slots_[slot] != 0) return false;
  slots_[slot] = hash;
  ++size_;
  return true;
}

bool SeriesSet::InsertSeries(std::string_view labels, bool quoted) {
  const uint64_t hash = HashLabelSet(labels);
  bool is_new = Insert(hash);
  if (!quoted) return is_new;
  // With these, a name may be shown as another that is not quoted.
  for (const Escaping escaping : {Escaping::kDots, Escaping::kValues}) {
    const uint64_t other = HashLabelSet(labels, escaping);
    if (other != hash && !Insert(other)) is_new = false;
  }
  return is_new;
}

void SeriesSet::Grow() {
  std::vector<uint64_t> larger(slots_.empty() ? kFirstSlots : slots_.size() * 2);
  for (uint64_t hash : slots_) {
    if (hash != 0) larger[FindSlot(larger, hash)] = hash;
  }
  slots_ = std::move(larger);
}

}  // namespace promplug
