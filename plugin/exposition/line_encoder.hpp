// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exposition/encoder.hpp"
#include "exposition/number_labels.hpp"
#include "exposition/padded_text.hpp"

namespace promplug {

// What the formats have in common that are lines of text: the lines of the points. Which names the
// lines have and what stands above them is the format's own; it says so by Begin().
class LineEncoder : public Encoder {
 public:
  // A name that is not plain (metrics/names.hpp) is quoted, and stands among the labels:
  // {"my.name","my.label"="x"} 1
  size_t AppendPoints(const Point* points, size_t n, OutputBuffer* out) final;
  bool EndFamily(OutputBuffer*) final { return true; }

 protected:
  // Where the formats differ within a line or within the lines of a point.
  enum class Dialect {
    kText,
    // Seconds, canonical bounds, exemplars, _created. Counts and sums are those of counters: one
    // that is negative or NaN, or could fall since a bound is negative, is left out, and with the
    // sum of a histogram its count (which the bucket of +Inf says too); a negative quantile also.
    kOpenMetrics,
  };

  // How the lines of a family look. The views need to live during Begin() only.
  struct Lines {
    MetricType type = MetricType::kUntyped;  // whose lines they are
    std::string_view stem;                   // of the names of all lines
    std::string_view single;  // behind the stem where a point is one line, or one of a state
    std::string_view sum = "_sum";
    std::string_view count = "_count";
    bool created = false;  // a line for the time of creation; only with Dialect::kOpenMetrics
  };

  explicit LineEncoder(Dialect dialect);

  // To be called by BeginFamily(). head() is then what is written above the first line.
  void Begin(const Lines& lines);
  std::string* head() { return &head_; }
  // Appends a family's name to the head as it stands there.
  void AppendName(std::string_view name);

  // Appends `help` to the head, with \ and newline escaped, and what else is in `also`.
  void AppendEscapedHelp(std::string_view help, std::string_view also);

 private:
  size_t AppendSeries(const Point* points, size_t n, OutputBuffer* out);
  // Each writes from line_ on and sets line_ to 0 when the point is finished; false: `out` is full.
  bool AppendHistogram(const Point& point, OutputBuffer* out);
  bool AppendSummary(const Point& point, OutputBuffer* out);
  bool AppendStateset(const Point& point, OutputBuffer* out);
  bool AppendCounter(const Point& point, OutputBuffer* out);

  size_t AppendSingles(const Point* points, size_t n, OutputBuffer* out);
  bool AppendBuckets(const Point& point, OutputBuffer* out);
  bool AppendTail(const Point& point, uint64_t count, OutputBuffer* out);
  bool AppendHead(OutputBuffer* out);
  char* EndLine(char* out, const Point& point) const;
  char* WriteCreated(char* out, const Point& point) const;
  bool HasSum(const Point& point) const;
  void MakeSeriesPrefix(const PaddedText& name, std::string_view labels);

  const Dialect dialect_;
  MetricType type_ = MetricType::kUntyped;
  bool created_ = false;
  bool quoted_ = false;  // the name is: the label blocks go on after it
  std::string labels_;
  std::string head_;  // empty when written
  PaddedText name_;
  PaddedText bucket_name_;
  PaddedText sum_name_;
  PaddedText count_name_;
  PaddedText created_name_;
  std::string state_label_;
  std::string state_line_;

  // The lines of the current point before its bucket, quantile or state label.
  PaddedText series_;
  NumberLabels buckets_;
  NumberLabels quantiles_;
  size_t line_ = 0;  // of the current point
  uint64_t cumulative_ = 0;
};

}  // namespace promplug
