// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

namespace promplug {

// Memory for many small things that live as long as it does and need no destructor. Not
// thread-safe; throws std::bad_alloc.
class PartArena {
 public:
  static constexpr size_t kAlignment = 16;

  // Not initialised.
  char* Bytes(size_t n) {
    if (n > left_) NextChunk(n);
    char* made = at_;
    at_ += n;
    left_ -= n;
    return made;
  }
  // For any type of at most kAlignment.
  char* AlignedBytes(size_t n) {
    const size_t odd = reinterpret_cast<size_t>(at_) % kAlignment;
    if (odd != 0) Bytes(std::min(left_, kAlignment - odd));
    return Bytes(n);
  }
  // Value-initialised.
  template <typename T>
  T* Array(size_t n) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= kAlignment);
    T* made = reinterpret_cast<T*>(AlignedBytes(n * sizeof(T)));
    std::uninitialized_value_construct_n(made, n);
    return made;
  }
  template <typename T>
  T* Copy(const T* from, size_t n) {
    T* made = Array<T>(n);
    std::copy_n(from, n, made);
    return made;
  }
  std::string_view Copy(std::string_view text) {
    if (text.empty()) return {};
    char* made = Bytes(text.size());
    std::memcpy(made, text.data(), text.size());
    return {made, text.size()};
  }

 private:
  static constexpr size_t kFirstChunk = size_t{1} << 12;
  static constexpr size_t kLargestChunk = size_t{1} << 20;

  void NextChunk(size_t n) {
    const size_t bytes = std::max(n, next_chunk_);
    chunks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    next_chunk_ = std::min(next_chunk_ * 2, kLargestChunk);
    at_ = chunks_.back().get();
    left_ = bytes;
  }

  std::vector<std::unique_ptr<char[]>> chunks_;
  char* at_ = nullptr;
  size_t left_ = 0;
  size_t next_chunk_ = kFirstChunk;
};

}  // namespace promplug
