// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "exposition/sample_form.hpp"
#include "exposition/text_line.hpp"

namespace promplug {

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

  // Reads the line at the beginning of `text` at little cost, if it and the last line that was read
  // are samples that differ in label values and value only, and if it is a usual one (SampleForm).
  // Returns its length without the '\n', which is there; `out` is then as from Read(). 0: Read() is
  // to be called for this line; `out` is unspecified.
  size_t ReadAlike(std::string_view text, TextLine* out) {
    return form_.Read(text, labels_.data(), out);
  }

 private:
  std::string_view ReadComment(const char* p, const char* end, TextLine* out);
  std::string_view ReadSample(const char* p, const char* end, TextLine* out);
  std::string_view ReadLabels(const char** at, const char* end, TextLine* out);
  void AddLabel(std::string_view name, std::string_view value, bool ascii, TextLine* out);

  const char* SkipMetricName(const char* p, const char* end);
  const char* SkipNewMetricName(const char* p, const char* end);

  std::array<TextLabel, kMaxLabels> labels_;
  size_t label_count_ = 0;
  // The last metric name, if it was short enough: most lines have the name of the line before.
  std::array<char, 64> last_name_;
  size_t last_name_size_ = 0;
  SampleForm form_;  // of the last line; none, if that was no sample
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

  // Calls `bool line(std::string_view line, std::string_view* rest)` for every line that ends in
  // `piece`, without its '\n'. `rest` is the piece behind it, from whose front `line` may take
  // whole lines, none of them longer than kMaxLineBytes. The first lies before `rest` in the piece,
  // unless an earlier piece has its beginning.
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
      piece.remove_prefix(newline + 1);
      const bool go_on = line(whole, &piece);
      begun_.clear();
      if (!go_on) return End::kStopped;
    }
    return End::kTaken;
  }

  // Whether what was fed ended with '\n' (or was nothing).
  bool at_line_start() const { return begun_.empty(); }

 private:
  std::string begun_;
};

}  // namespace promplug
