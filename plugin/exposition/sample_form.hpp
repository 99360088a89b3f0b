// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "exposition/text_line.hpp"

namespace promplug {

// What the line of a sample is, less its label values and its value: most lines differ from the
// line before in those alone, and are read by comparing what stands between them. Allocates
// nothing. Used by one thread.
class SampleForm {
 public:
  // Takes over the form of a line and what was read of it, if it is one that Read() knows: at most
  // kMaxLabels labels, all without defect; nothing before the name and behind the value. Else there
  // is no form. The line is not referred to afterwards.
  void Learn(std::string_view line, const TextLine& sample);
  // From now on there is no form.
  void Forget() { label_count_ = 0; }

  // Reads the line at the beginning of `text` if it has this form, its label values are ASCII
  // without escapes, and more text follows it, so that it may be read in blocks. Sets `labels`
  // (room for kMaxLabels), and of `out` what a sample has. Returns the length of the line, without
  // its '\n', which is there; 0: there is no form, or the line is not one of these, which says
  // nothing of whether it is valid; `labels` and `out` are then unspecified.
  size_t Read(std::string_view text, TextLabel* labels, TextLine* out) const;

  static constexpr size_t kMaxLabels = 8;

 private:
  // What stands before a label value, or before the value of the sample.
  struct Part {
    size_t at = 0;  // in text_
    size_t size = 0;
    size_t name_at = 0;
    size_t name_size = 0;
  };

  std::array<char, 512> text_{};  // each part begins at a whole block
  std::array<Part, kMaxLabels + 1> parts_;
  size_t label_count_ = 0;  // 0: there is no form
  size_t name_size_ = 0;
};

}  // namespace promplug
