// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "exposition/text_line.hpp"
#include "relay/line_output.hpp"

namespace promplug {

// HELP and TYPE of a family, until its first sample comes out. Lines that are as they are to be
// written are not copied while their piece of the input is there. Used by one thread.
class FamilyMeta {
 public:
  void Clear();

  // `line` was read as `read`. `stays`: with the '\n' behind it, it stays until Settle(). The first
  // HELP that is UTF-8 wins.
  void TakeHelp(std::string_view line, const TextLine& read, bool stays);
  void TakeType(std::string_view line, const TextLine& read, bool stays);
  // Refers to no line afterwards.
  void Settle();

  // Writes the lines for a family of that name and type (kNone: no TYPE line). False: `output` gave
  // up.
  bool Write(std::string_view name, TextType type, LineOutput* output);

 private:
  // A line with its '\n' that may be written as it stands.
  struct Line {
    std::string_view text;
    size_t name_size = 0;
  };

  void CopyHelp();

  Line help_line_;
  Line type_line_;
  TextType line_type_ = TextType::kNone;  // of type_line_
  std::string help_;                      // if there is no help_line_
  std::string scratch_;
};

}  // namespace promplug
