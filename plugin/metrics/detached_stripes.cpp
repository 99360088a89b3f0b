// SPDX-License-Identifier: MIT
#include "metrics/detached_stripes.hpp"

#include <utility>

namespace promplug {

void DetachedStripes::Add(Stripes* stripes) {
  std::lock_guard lock(mutex_);
  stripes->next_ = first_;
  first_ = stripes;
}

void DetachedStripes::Retire(ReadSections* sections, MetricMemory& memory) {
  std::lock_guard lock(mutex_);
  if (first_ == nullptr || !CpuSectionControl::End()) return;
  sections->Retire([list = first_, &memory] { FreeList(list, memory); });
  first_ = nullptr;
}

void DetachedStripes::FreeAll(MetricMemory& memory) {
  std::lock_guard lock(mutex_);
  FreeList(std::exchange(first_, nullptr), memory);
}

void DetachedStripes::FreeList(Stripes* first, MetricMemory& memory) {
  while (first != nullptr) Stripes::Free(std::exchange(first, first->next_), memory);
}

}  // namespace promplug
