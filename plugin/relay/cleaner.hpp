// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "exposition/text_reader.hpp"
#include "relay/family_filter.hpp"
#include "relay/family_meta.hpp"
#include "relay/family_tracker.hpp"
#include "relay/hash_table.hpp"
#include "relay/line_output.hpp"

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

  // `filter` must outlive the cleaner.
  Cleaner(const FamilyFilter& filter, Input input, LineOutput::Sink out);

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
  bool FailAtLine(std::string_view reason, std::string_view line);
  bool TakeLines(std::string_view line, std::string_view* rest);
  bool TakeLine(std::string_view line);
  bool TakeSample();
  bool TakeSampleOfFamily();
  bool TakePlainSample(std::string_view line);
  void Step(FamilyTracker::Step step);
  bool Decide();
  bool HasTypesLabels() const;
  uint64_t SeriesHash();
  std::string_view CanonicalLabel(const TextLabel& label, bool is_number);
  void AppendNewName(std::string_view name, std::string* to) const;
  bool WriteSample();
  bool Wrote(bool written);

  const FamilyFilter& filter_;
  const Input input_;
  TextLineSplitter splitter_;
  TextLineReader reader_;
  TextLine line_;
  FamilyTracker tracker_;
  SeenSeries series_;
  FamilyMeta meta_;
  LineOutput output_;
  std::string scratch_;  // reused, so that no line allocates
  uint64_t line_number_ = 0;
  uint64_t samples_ = 0;
  LeftOut left_out_;
  Stop stop_ = Stop::kNone;
  std::string reason_;
  FamilyTracker::Role role_ = FamilyTracker::Role::kPlain;  // of the sample
  bool in_piece_ = false;      // the line and its '\n' are in the piece
  bool decided_ = false;       // about the current family
  bool takes_ = false;         // it is forwarded
  bool meta_written_ = false;  // its HELP and TYPE
  bool came_back_ = false;     // it was left before
  bool is_plain_ = false;      // the last sample came out, with labels hashed as they stand
  bool renames_ = false;       // the sample has a label that the Pushgateway would overwrite
  bool families_left_ = false;
  bool ended_with_eof_ = false;
};

}  // namespace promplug
