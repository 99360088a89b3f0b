// SPDX-License-Identifier: MIT
// The look-up of a series of a family by its label values, and the usual update of one: inlined
// where they are used, since with so little to do a call of each part would be a good deal of it.
#pragma once

#include "metrics/family.hpp"

namespace promplug {

[[gnu::always_inline]] inline bool Family::HasValues(const Series& series,
                                                     const LabelKey& key) const {
  if ((series.flags_.load(std::memory_order_relaxed) & Series::kEscaped) != 0) [[unlikely]]
    return HasEscapedValues(series, key.values());
  const auto* text = reinterpret_cast<const char*>(series.cell() + words_per_cell_);
  return frame_.Holds(text, series.label_bytes_, key);
}

[[gnu::always_inline]] inline Series* Family::Find(const LabelKey& key) const {
  return table_.Find(key.hash(), [&](const Series& series) { return HasValues(series, key); });
}

template <typename ValueAt>
[[gnu::always_inline]] inline bool Family::UpdatePresent(size_t n, const ValueAt& value_at,
                                                         UpdateOp op, double value) {
  if (n != frame_.values()) return false;
  const LabelKey key(context_->hash_seed, n, value_at);
  const ReadSections::Guard section = context_->sections->Enter();
  Series* series = Find(key);
  if (series == nullptr) return false;
  if ((series->route_.load(std::memory_order_acquire) & Series::kDead) != 0) return false;
  if (op != UpdateOp::kAdd || shape_.type != MetricType::kCounter) {
    return ApplyHot(series, op, value);
  }
  series->CounterAdd(value);
  return true;
}

}  // namespace promplug
