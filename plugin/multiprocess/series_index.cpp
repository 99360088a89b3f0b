// SPDX-License-Identifier: MIT
#include "multiprocess/series_index.hpp"

#include <utility>

namespace promplug {
namespace {

constexpr size_t kFirstSlots = 16;

}  // namespace

uint32_t SeriesIndex::FindText(std::string_view labels) const {
  if (texts_.slots.empty()) return kNone;
  const size_t i = texts_.Find(HashOf(labels), [&](const Slot& slot) {
    return slot.bytes == labels.size() && EqualBytes(slot.text, labels.data(), labels.size());
  });
  return texts_.slots[i].row;
}

uint32_t SeriesIndex::FindSet(uint64_t hash) const {
  if (sets_.slots.empty()) return kNone;
  return sets_.slots[sets_.Find(hash, [](const Slot&) { return true; })].row;
}

void SeriesIndex::AddText(std::string_view labels, uint32_t row) {
  texts_.Add({HashOf(labels), row, static_cast<uint32_t>(labels.size()), labels.data()});
}

void SeriesIndex::AddSet(uint64_t hash, uint32_t row) { sets_.Add({hash, row, 0, nullptr}); }

void SeriesIndex::Table::Add(const Slot& slot) {
  const auto never = [](const Slot&) { return false; };
  if (used * 4 >= slots.size() * 3) {
    Table larger;
    larger.slots.resize(slots.empty() ? kFirstSlots : slots.size() * 2);
    for (const Slot& old : slots) {
      if (old.row != kNone) larger.slots[larger.Find(old.hash, never)] = old;
    }
    slots = std::move(larger.slots);
  }
  slots[Find(slot.hash, never)] = slot;
  ++used;
}

}  // namespace promplug
