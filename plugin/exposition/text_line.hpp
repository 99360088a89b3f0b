// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace promplug {

// The words of a TYPE line: those of text 0.0.4, and below them those of OpenMetrics alone.
enum class TextType : uint8_t {
  kNone,  // no TYPE line
  kUntyped,
  kCounter,
  kGauge,
  kHistogram,
  kSummary,
  kUnknown,
  kInfo,
  kStateset,
  kGaugeHistogram,
};

struct TextLabel {
  std::string_view name;
  std::string_view value;  // as it stands between the quotes, escapes included
};

// One line of an exposition. All views point into the line that was read.
struct TextLine {
  enum class Kind {
    kNothing,  // blank, a comment, or a HELP or TYPE without name or text
    kEof,      // "# EOF"
    kHelp,
    kType,
    kSample,
  };
  // Why a sample that is well-formed cannot be taken.
  enum class Defect {
    kNone,
    kReservedLabel,  // a label name begins with "__"
    kRepeatedLabel,  // two labels have one name
    kNotUtf8,        // a label value is not UTF-8
    kTooManyLabels,  // more than TextLineReader::kMaxLabels; `labels` holds the first of them
  };

  Kind kind = Kind::kNothing;
  std::string_view name;            // kHelp, kType: of the family; kSample: of the sample
  std::string_view text;            // kHelp: as written, escapes unchecked; never empty
  TextType type = TextType::kNone;  // kType
  // kSample; all of it up to the end of the value is contiguous in the line.
  std::span<const TextLabel> labels;
  std::string_view value;
  std::string_view timestamp;  // empty: none
  Defect defect = Defect::kNone;
};

}  // namespace promplug
