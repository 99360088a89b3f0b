// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "exposition/text_reader.hpp"
#include "relay/family_filter.hpp"
#include "relay/family_tracker.hpp"
#include "relay/hash_table.hpp"

namespace promplug {

// Cleans one exposition as a stream, by the rules of relay.hpp. Used by one thread, once.
class Cleaner {
 public:
  enum class Stop {
    kNone,     // goes on, or has ended well
    kInvalid,  // not a whole, valid exposition
    kApart,    // the lines of a family came apart: Regroup() first
    kSink,     // `out` gave up
  };
  enum class Input {
    kAsItComes,
    kRegrouped,  // what still comes apart is left out (reason "type")
  };
  // How many series were left out, by reason.
  struct LeftOut {
    uint64_t duplicate = 0;
    uint64_t invalid = 0;
    uint64_t type = 0;
  };
  using Out = std::function<bool(std::string_view)>;

  // `filter` must outlive the cleaner.
  Cleaner(const FamilyFilter& filter, Input input, Out out);

  // The next bytes, cut anywhere. False: stopped for good.
  bool Feed(std::string_view piece);
  // All has been fed. False: it was not a whole exposition, or stopped earlier.
  bool Finish();

  Stop stop() const { return stop_; }
  // Why it stopped; empty for kNone.
  const std::string& reason() const { return reason_; }
  const LeftOut& left_out() const { return left_out_; }
  bool families_left() const { return families_left_; }
  // Whether "# EOF" was the last line.
  bool ended_with_eof() const { return ended_with_eof_; }

 private:
  bool Fail(Stop stop, std::string_view reason);
  bool FailAtLine(std::string_view reason);
  bool TakeLine(std::string_view line);
  bool TakeSample();
  void Step(FamilyTracker::Step step);
  bool Decide();
  bool HasTypesLabels(FamilyTracker::Role role) const;
  uint64_t SeriesHash(FamilyTracker::Role role);
  std::string_view CanonicalLabel(const TextLabel& label, bool is_number);
  void AppendNewName(std::string_view name, std::string* to) const;
  bool WriteMeta();
  bool WriteSample();
  bool WriteLine(std::string_view text);
  bool Flush();
  bool Give(std::string_view text);

  const FamilyFilter& filter_;
  const Input input_;
  const Out out_;
  TextLineSplitter splitter_;
  TextLineReader reader_;
  TextLine line_;
  FamilyTracker tracker_;
  SeenSeries series_;
  std::string help_;     // of the current family, until its first sample is written
  std::string scratch_;  // reused, so that no line allocates
  std::vector<char> buffer_;
  size_t buffered_ = 0;
  uint64_t line_number_ = 0;
  uint64_t samples_ = 0;
  LeftOut left_out_;
  Stop stop_ = Stop::kNone;
  std::string reason_;
  bool decided_ = false;       // about the current family
  bool takes_ = false;         // it is forwarded
  bool meta_written_ = false;  // its HELP and TYPE
  bool came_back_ = false;     // it was left before
  bool renames_ = false;       // the sample has a label that the Pushgateway would overwrite
  bool families_left_ = false;
  bool ended_with_eof_ = false;
};

}  // namespace promplug
