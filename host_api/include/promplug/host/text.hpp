// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../promplug.h"

namespace promplug::host {

// A label, a header or an override. Refers to the texts it was made from.
struct Pair {
  std::string_view key;
  std::string_view value;
};

using StringPairs = std::vector<std::pair<std::string, std::string>>;

// The value of one label: a text, or a whole number such as an HTTP status. Refers to the text.
class LabelValue {
 public:
  template <class T, std::enable_if_t<std::is_convertible_v<const T&, std::string_view>, int> = 0>
  LabelValue(const T& text) : view_(text) {}
  template <class T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  LabelValue(T number) {
    const auto end = std::to_chars(digits_.data(), digits_.data() + digits_.size(), number);
    view_ = {digits_.data(), static_cast<size_t>(end.ptr - digits_.data())};
  }
  LabelValue(const LabelValue&) = delete;
  LabelValue& operator=(const LabelValue&) = delete;

  std::string_view view() const noexcept { return view_; }

 private:
  std::array<char, 24> digits_;
  std::string_view view_;
};

namespace detail {

inline promplug_str Str(std::string_view text) noexcept { return {text.data(), text.size()}; }
inline std::string_view View(const promplug_str& text) noexcept {
  if (text.len == PROMPLUG_Z) return text.ptr;
  return {text.ptr, text.len};
}

template <class T>
T Sized() noexcept {
  T made{};
  made.struct_size = sizeof(T);
  return made;
}

// The pairs as the ABI takes them; on the stack for as many as metrics usually have.
class Pairs {
 public:
  template <class Range>
  explicit Pairs(const Range& range) : size_(range.size()) {
    if (size_ > few_.size()) {
      many_.resize(size_);
      data_ = many_.data();
    }
    size_t i = 0;
    for (const auto& [key, value] : range) data_[i++] = {Str(key), Str(value)};
  }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  const promplug_kv* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }

 private:
  size_t size_;
  std::array<promplug_kv, 8> few_;
  std::vector<promplug_kv> many_;
  promplug_kv* data_ = few_.data();
};

inline std::vector<promplug_str> Strs(const std::vector<std::string>& texts) {
  std::vector<promplug_str> out;
  out.reserve(texts.size());
  for (const auto& text : texts) out.push_back(Str(text));
  return out;
}

}  // namespace detail
}  // namespace promplug::host
