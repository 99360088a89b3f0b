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

// Foreign memory during one reading of it, with a limit to what is followed: lists that go round
// and pointers that lead to the same block again and again come to an end, so that what a reader
// makes of the memory stays within a small multiple of its size. Memory as a process writes it
// never reaches the limits: no two of its blocks have bytes in common. Not thread-safe.
class LimitedMemory {
 public:
  // So often may a block be read that series lead to; they are tried again while they change.
  static constexpr uint64_t kReadings = 32;

  explicit LimitedMemory(const ForeignMemory& memory)
      : memory_(memory), listed_(memory.size()), followed_(kReadings * memory.size()) {}

  // As ForeignMemory::At(), without a limit: to look at the beginning of a block.
  template <typename T>
  const T* Look(const T* pointer) const {
    return memory_.At(pointer);
  }
  // The same for a member of a list, which is read once.
  template <typename T>
  const T* Member(const T* pointer, size_t bytes = sizeof(T)) {
    return Within(&listed_, pointer, bytes);
  }
  // The same for what a series leads to.
  template <typename T>
  const T* At(const T* pointer, size_t bytes = sizeof(T)) {
    return Within(&followed_, pointer, bytes);
  }

 private:
  template <typename T>
  const T* Within(uint64_t* left, const T* pointer, size_t bytes) {
    const T* here = bytes <= *left ? memory_.At(pointer, bytes) : nullptr;
    if (here != nullptr) *left -= bytes;
    return here;
  }

  const ForeignMemory memory_;
  uint64_t listed_;
  uint64_t followed_;
};

// The same interface for one's own memory.
struct OwnMemory {
  template <typename T>
  const T* At(const T* pointer, size_t = sizeof(T)) const {
    return pointer;
  }
};

}  // namespace promplug
