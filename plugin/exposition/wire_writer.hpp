// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace promplug {

// Fields of protobuf messages (protobuf.dev/programming-guides/encoding), one behind the other in a
// memory that grows and is kept. Not thread-safe. All but Clear() and view() throw std::bad_alloc.
class WireWriter {
 public:
  static constexpr size_t kMaxVarintBytes = 10;
  static constexpr size_t kMaxKeyBytes = 5;

  // Writes at most kMaxVarintBytes; returns the end.
  static char* WriteVarint(char* out, uint64_t v) {
    for (; v >= 0x80; v >>= 7) *out++ = static_cast<char>(v | 0x80);
    *out++ = static_cast<char>(v);
    return out;
  }
  // How sint32 and sint64 are written.
  static uint64_t ZigZag(int64_t v) {
    return (static_cast<uint64_t>(v) << 1) ^ static_cast<uint64_t>(v >> 63);
  }

  void Clear() { size_ = 0; }
  // Valid until the next call of a member that is not const.
  std::string_view view() const { return {bytes_.get(), size_}; }

  // int64, uint64, uint32, enumerations, and what ZigZag() gives.
  void Varint(uint32_t field, uint64_t v) {
    char* at = Claim(kMaxKeyBytes + kMaxVarintBytes);
    Commit(WriteVarint(WriteVarint(at, field << 3), v));
  }
  void Double(uint32_t field, double v) {
    static_assert(std::endian::native == std::endian::little);
    constexpr uint32_t kFixed64 = 1;
    char* at = Claim(kMaxKeyBytes + sizeof(v));
    at = WriteVarint(at, field << 3 | kFixed64);
    std::memcpy(at, &v, sizeof(v));
    Commit(at + sizeof(v));
  }
  void Bytes(uint32_t field, std::string_view text) {
    char* at = Claim(kMaxKeyBytes + kMaxVarintBytes + text.size());
    at = WriteVarint(WriteVarint(at, field << 3 | kLengthDelimited), text.size());
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    Commit(at + text.size());
  }

  // What is written between the two calls is the content of the field: a message or packed numbers.
  // May be nested. `begun` is what Begin() returned.
  size_t Begin(uint32_t field) {
    char* at = WriteVarint(Claim(kMaxKeyBytes + 1), field << 3 | kLengthDelimited);
    // The place of the shortest length. End() makes room for a longer one.
    Commit(at + 1);
    return size_;
  }
  void End(size_t begun);

  // Inside a field that was begun.
  void PackedVarint(uint64_t v) { Commit(WriteVarint(Claim(kMaxVarintBytes), v)); }

 private:
  static constexpr uint32_t kLengthDelimited = 2;

  char* Claim(size_t n) {
    if (capacity_ - size_ < n) Grow(n);
    return bytes_.get() + size_;
  }
  void Commit(const char* end) { size_ = static_cast<size_t>(end - bytes_.get()); }
  void Grow(size_t n);

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace promplug
