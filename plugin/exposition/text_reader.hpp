// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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

// Reads the lines of the text format 0.0.4, and of OpenMetrics 1.0 as far as its lines differ: its
// type words, timestamps with a fraction, exemplars (skipped unread). Names in quotes are refused.
//
// What it takes is what the Pushgateway's parser takes (prometheus/common/expfmt as of Pushgateway
// 1.5.1, compared case by case), except that
// - between a name without labels and its value there must be a blank ("m-1" is refused);
// - blanks at the end of a line are forgiven;
// - a line that ends with CR is refused always;
// - escapes of HELP are left to the caller: HELP is not worth an exposition.
// It knows single lines only: what lines say together (families, duplicates) is the caller's.
//
// Allocates nothing, never blocks, throws nothing. Used by one thread.
class TextLineReader {
 public:
  static constexpr size_t kMaxLabels = 128;

  // Reads `line`, which has no '\n'. Returns an empty text, or why the line has no valid syntax
  // (a static text; `out` is then unspecified). Fields that `kind` does not name are unspecified;
  // `out->labels` is valid until the next call.
  std::string_view Read(std::string_view line, TextLine* out);

 private:
  std::string_view ReadComment(const char* p, const char* end, TextLine* out);
  std::string_view ReadSample(const char* p, const char* end, TextLine* out);
  std::string_view ReadLabels(const char** at, const char* end, TextLine* out);
  void AddLabel(std::string_view name, std::string_view value, bool ascii, TextLine* out);

  const char* SkipMetricName(const char* p, const char* end);

  std::array<TextLabel, kMaxLabels> labels_;
  size_t label_count_ = 0;
  // The last metric name, if it was short enough: most lines have the name of the line before.
  std::array<char, 64> last_name_;
  size_t last_name_size_ = 0;
};

// Puts lines together from pieces of any size. Used by one thread.
class TextLineSplitter {
 public:
  // A line longer than this is not text that an exporter wrote.
  static constexpr size_t kMaxLineBytes = size_t{256} * 1024;

  enum class End {
    kTaken,    // the whole piece was taken
    kStopped,  // `line` returned false
    kTooLong,  // a line is longer than kMaxLineBytes
  };

  // Calls `bool line(std::string_view)` for every line that ends in `piece`, without its '\n'.
  template <typename Line>
  End Feed(std::string_view piece, Line&& line) {
    while (!piece.empty()) {
      const size_t newline = piece.find('\n');
      if (newline == std::string_view::npos) {
        if (begun_.size() + piece.size() > kMaxLineBytes) return End::kTooLong;
        begun_.append(piece);
        return End::kTaken;
      }
      if (begun_.size() + newline > kMaxLineBytes) return End::kTooLong;
      std::string_view whole = piece.substr(0, newline);
      if (!begun_.empty()) whole = begun_.append(whole);
      const bool go_on = line(whole);
      begun_.clear();
      if (!go_on) return End::kStopped;
      piece.remove_prefix(newline + 1);
    }
    return End::kTaken;
  }

  // Whether what was fed ended with '\n' (or was nothing).
  bool at_line_start() const { return begun_.empty(); }

 private:
  std::string begun_;
};

}  // namespace promplug
