// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

namespace promplug {

// How a reader finds what the pointers of a MetricMemory point to: in a file that its owner has
// mapped at one address and the reader at another. Whatever a pointer is, nothing outside of the
// mapping is named. A value.
class ForeignMemory {
 public:
  ForeignMemory() = default;
  // `size` bytes at `bytes`, which their owner has at the address `owner_base`.
  ForeignMemory(const void* bytes, size_t size, uintptr_t owner_base)
      : bytes_(static_cast<const char*>(bytes)), size_(size), owner_base_(owner_base) {}

  size_t size() const { return size_; }

  // Where `bytes` bytes at the owner's `pointer` are here; nullptr: it is null, not aligned, or
  // they are not all there.
  template <typename T>
  const T* At(const T* pointer, size_t bytes = sizeof(T)) const {
    const auto address = reinterpret_cast<uintptr_t>(pointer);
    const uintptr_t offset = address - owner_base_;
    if (address < owner_base_ || address % alignof(T) != 0 || bytes > size_ ||
        offset > size_ - bytes) {
      return nullptr;
    }
    return reinterpret_cast<const T*>(bytes_ + offset);
  }

 private:
  const char* bytes_ = nullptr;
  size_t size_ = 0;
  uintptr_t owner_base_ = UINTPTR_MAX;
};

// The same interface for one's own memory.
struct OwnMemory {
  template <typename T>
  const T* At(const T* pointer, size_t = sizeof(T)) const {
    return pointer;
  }
};

}  // namespace promplug
