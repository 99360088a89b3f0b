// SPDX-License-Identifier: MIT
// The native buckets of a family's series.
#include "metrics/family.hpp"

namespace promplug {

void Family::ObserveNative(Series* series, double v) {
  NativeBuckets* native = NativeOf(series);
  if (native == nullptr || !native->Observe(v)) [[likely]]
    return;
  native_due_.store(true, std::memory_order_release);
  context_->native_due.store(true, std::memory_order_release);
}

void Family::FreeNative(Series* series) {
  if (!has_native()) return;
  NativeBuckets::Free(NativeOf(series));
  NativeWord(series).store(0, std::memory_order_relaxed);
}

void Family::MaintainNative() {
  if (!native_due_.exchange(false, std::memory_order_acquire)) return;
  std::lock_guard lock(mutex_);
  SeriesArena::Walk walk = arena_.Begin();
  while (Series* series = walk.Next()) {
    NativeBuckets* native = NativeOf(series);
    if (native == nullptr || native->Maintain()) continue;
    native_due_.store(true, std::memory_order_relaxed);
    context_->native_due.store(true, std::memory_order_release);
  }
}

}  // namespace promplug
