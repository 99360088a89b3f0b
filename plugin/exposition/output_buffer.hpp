// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace promplug {

// Where encoders write: a fixed piece of memory that is filled, given out and filled again. What
// is longer than that goes into a second one, which is made at the first need and kept.
// Not thread-safe.
class OutputBuffer {
 public:
  // `capacity` is also the longest piece that is given out.
  explicit OutputBuffer(size_t capacity)
      : capacity_(capacity),
        fixed_(std::make_unique_for_overwrite<char[]>(capacity + kSlackBytes)),
        begin_(fixed_.get()),
        at_(begin_),
        limit_(begin_ + capacity) {}
  OutputBuffer(const OutputBuffer&) = delete;
  OutputBuffer& operator=(const OutputBuffer&) = delete;

  // Where to write up to `n` bytes, and kSlackBytes of anything after them; nullptr: what is there
  // must be taken first. Never nullptr when the buffer is empty. Throws std::bad_alloc.
  char* Claim(size_t n) {
    if (static_cast<size_t>(limit_ - at_) >= n) return at_;
    return at_ == begin_ ? ClaimLarge(n) : nullptr;
  }
  // What was written ends here. REQUIRES: the place was claimed.
  void Commit(char* end) { at_ = end; }

  // The next piece of what was written, at most `capacity` long, valid until the next call of a
  // member that is not const. Empty: all was taken, the buffer is ready to be filled. Between the
  // first Take() and the empty one nothing may be claimed.
  std::string_view Take();

  static constexpr size_t kSlackBytes = 32;

 private:
  char* ClaimLarge(size_t n);

  const size_t capacity_;
  std::unique_ptr<char[]> fixed_;
  std::unique_ptr<char[]> large_;
  size_t large_bytes_ = 0;
  // begin_ and limit_ are those of fixed_ or large_; taken_ counts from begin_.
  char* begin_;
  char* at_;
  char* limit_;
  size_t taken_ = 0;
};

}  // namespace promplug
