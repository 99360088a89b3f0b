// SPDX-License-Identifier: MIT
#include "metrics/metric_memory.hpp"

#include <cstdlib>
#include <cstring>

namespace promplug {
namespace {

class HeapMemory final : public MetricMemory {
 public:
  void* Allocate(size_t bytes, size_t alignment) noexcept override {
    if (alignment <= alignof(std::max_align_t)) return std::calloc(1, bytes);
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    void* block = std::aligned_alloc(alignment, rounded);
    if (block != nullptr) std::memset(block, 0, rounded);
    return block;
  }
  void* TryAllocate(size_t bytes, size_t alignment) noexcept override {
    return Allocate(bytes, alignment);
  }
  void MakeRoom() noexcept override {}
  void Free(void* block, size_t, size_t) noexcept override { std::free(block); }
  bool shared() const override { return false; }
  void Publish(FamilyRecord*) override {}
};

}  // namespace

MetricMemory& MetricMemory::Heap() {
  static HeapMemory heap;
  return heap;
}

}  // namespace promplug
