// SPDX-License-Identifier: MIT
#include "exposition/number_labels.hpp"

#include <cstring>
#include <limits>

#include "exposition/numbers.hpp"
#include "exposition/output_buffer.hpp"

namespace promplug {

void NumberLabels::Use(const double* numbers, size_t n) {
  if (!texts_.empty() && n == numbers_.size() &&
      (n == 0 || std::memcmp(numbers, numbers_.data(), n * sizeof(double)) == 0)) {
    return;
  }
  numbers_.assign(numbers, numbers + n);
  texts_.clear();
  texts_.reserve(n + 1);
  for (const double number : numbers_) Add(number);
  if (with_inf_) Add(std::numeric_limits<double>::infinity());
}

void NumberLabels::Add(double number) {
  static_assert(std::string_view("quantile=\"").size() + kNumberSpanBytes <= sizeof(Text::bytes));
  static_assert(OutputBuffer::kSlackBytes <= kMaxBytes && kMaxBytes <= sizeof(Text::bytes));
  Text& text = texts_.emplace_back();
  char* out = text.bytes;
  std::memcpy(out, name_.data(), name_.size());
  out += name_.size();
  *out++ = '=';
  *out++ = '"';
  out = write_(out, number);
  *out++ = '"';
  *out++ = '}';
  *out++ = ' ';
  text.size = static_cast<unsigned char>(out - text.bytes);
}

char* NumberLabels::CopyTo(char* out, size_t i) const {
  constexpr size_t kBlockBytes = OutputBuffer::kSlackBytes;
  const Text& text = texts_[i];
  std::memcpy(out, text.bytes, kBlockBytes);
  if (text.size > kBlockBytes) {
    std::memcpy(out + kBlockBytes, text.bytes + kBlockBytes, text.size - kBlockBytes);
  }
  return out + text.size;
}

}  // namespace promplug
