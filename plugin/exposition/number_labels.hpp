// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace promplug {

// The label that tells the lines of one histogram or summary apart, as text for each of its
// numbers, with what ends the label block: le="0.5"}_ where _ is a space. Made once for all series
// with the same numbers. Not thread-safe.
class NumberLabels {
 public:
  // WriteBound() or WriteCanonicalBound().
  using Writer = char* (*)(char* out, double v);

  // `name` must outlive this. With `with_inf` the text after the last number is that of +Inf.
  NumberLabels(std::string_view name, bool with_inf, Writer write)
      : name_(name), with_inf_(with_inf), write_(write) {}

  // Makes the texts unless they are those of equal numbers. The numbers are compared as bytes,
  // not by their address: a source may use the same memory for others.
  void Use(const double* numbers, size_t n);

  size_t size() const { return texts_.size(); }
  // As PaddedText::CopyTo. REQUIRES: i < size().
  char* CopyTo(char* out, size_t i) const;

  // The longest text.
  static constexpr size_t kMaxBytes = 40;

 private:
  struct Text {
    char bytes[63];
    unsigned char size;
  };

  void Add(double number);

  const std::string_view name_;
  const bool with_inf_;
  const Writer write_;
  std::vector<double> numbers_;
  std::vector<Text> texts_;
};

}  // namespace promplug
