// SPDX-License-Identifier: MIT
#include "relay/cleaner.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "exposition/text_reader_number.hpp"
#include "metrics/hash.hpp"

namespace promplug {
namespace {

using Role = FamilyTracker::Role;

constexpr uint64_t kLabelSeed = 0x6C6162656C;
constexpr uint64_t kRoleFactor = 0x9E3779B97F4A7C15u;

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// The labels of the grouping key: the Pushgateway puts its own in their place.
bool IsGroupingLabel(std::string_view name) {
  constexpr std::string_view kJob = "job";
  constexpr std::string_view kInstance = "instance";
  if (name.size() == kJob.size()) return std::memcmp(name.data(), kJob.data(), kJob.size()) == 0;
  return name.size() == kInstance.size() &&
         std::memcmp(name.data(), kInstance.data(), kInstance.size()) == 0;
}

// The label whose value is a number that tells apart the samples of one histogram or summary.
std::string_view NumberLabel(TextType type) {
  if (type == TextType::kHistogram) return "le";
  if (type == TextType::kSummary) return "quantile";
  return {};
}

uint64_t HashOfRole(Role role) { return (static_cast<uint64_t>(role) + 1) * kRoleFactor; }

// From the name to the end of the value.
std::string_view AsItStands(const TextLabel& label) {
  return Between(label.name.data(), label.value.data() + label.value.size());
}

}  // namespace

Cleaner::Cleaner(const FamilyFilter& filter, Input input, LineOutput::Sink out)
    : filter_(filter), input_(input), output_(std::move(out)) {}

bool Cleaner::Feed(std::string_view piece) {
  if (stop_ != Stop::kNone) return false;
  const auto end = splitter_.Feed(piece, [this](std::string_view line, std::string_view* rest) {
    return TakeLines(line, rest);
  });
  if (end == TextLineSplitter::End::kTooLong) {
    ++line_number_;
    return FailAtLine("the line is too long", {});
  }
  if (end != TextLineSplitter::End::kTaken) return false;
  meta_.Settle();
  return Wrote(output_.Settle());
}

// The line, and those of `rest` that are like it.
bool Cleaner::TakeLines(std::string_view line, std::string_view* rest) {
  in_piece_ = line.data() + line.size() + 1 == rest->data();
  is_plain_ = false;
  if (!TakeLine(line)) return false;
  in_piece_ = true;
  while (line_.kind == TextLine::Kind::kSample) {
    const std::string_view text = rest->substr(0, TextLineSplitter::kMaxLineBytes);
    const size_t length = reader_.ReadAlike(text, &line_);
    if (length == 0) break;
    ++line_number_;
    ++samples_;
    rest->remove_prefix(length + 1);
    const bool go_on =
        is_plain_ ? TakePlainSample(text.substr(0, length + 1)) : TakeSampleOfFamily();
    if (!go_on) return false;
  }
  return true;
}

// A sample like the last one, which came out as it stood. What is known of that one's name and
// label names is true of it.
bool Cleaner::TakePlainSample(std::string_view line) {
  uint64_t hash = HashOfRole(role_);
  for (const TextLabel& label : line_.labels) {
    if (!label.value.empty()) hash += HashBytes(AsItStands(label), kLabelSeed);
  }
  if (series_.Insert(hash)) return Wrote(output_.Keep(line));
  ++left_out_.duplicate;
  return true;
}

bool Cleaner::Finish() {
  if (stop_ != Stop::kNone) return false;
  if (!splitter_.at_line_start()) {
    return Fail(Stop::kInvalid, "cut: the last line does not end with a newline");
  }
  if (samples_ == 0) return Fail(Stop::kInvalid, "empty: it has no samples");
  return Wrote(output_.Flush());
}

bool Cleaner::Fail(Stop stop, std::string_view reason) {
  stop_ = stop;
  reason_ = reason;
  return false;
}

bool Cleaner::FailAtLine(std::string_view reason, std::string_view line) {
  std::string text = "line " + std::to_string(line_number_) + ": ";
  text.append(reason);
  if (!line.empty()) text.append(": ").append(Quoted(line));
  return Fail(Stop::kInvalid, text);
}

bool Cleaner::TakeLine(std::string_view line) {
  ++line_number_;
  const std::string_view wrong = reader_.Read(line, &line_);
  if (!wrong.empty()) return FailAtLine(wrong, line);
  switch (line_.kind) {
    case TextLine::Kind::kNothing:
      return true;
    case TextLine::Kind::kEof:
      ended_with_eof_ = true;
      return true;
    case TextLine::Kind::kHelp:
      Step(tracker_.Help(line_.name));
      meta_.TakeHelp(line, line_, in_piece_);
      break;
    case TextLine::Kind::kType:
      Step(tracker_.Type(line_.name, line_.type));
      meta_.TakeType(line, line_, in_piece_);
      break;
    case TextLine::Kind::kSample:
      ended_with_eof_ = false;
      return TakeSample();
  }
  ended_with_eof_ = false;
  return true;
}

void Cleaner::Step(FamilyTracker::Step step) {
  if (step == FamilyTracker::Step::kSame) return;
  came_back_ = step == FamilyTracker::Step::kBack;
  decided_ = false;
  meta_written_ = false;
  meta_.Clear();
  series_.Clear();
}

// The name of a family is certain only when its first sample is there.
bool Cleaner::Decide() {
  decided_ = true;
  takes_ = filter_.Takes(tracker_.name());
  if (takes_ && came_back_ && !tracker_.refused() && input_ == Input::kAsItComes) {
    return Fail(Stop::kApart, "the lines of family " + Quoted(tracker_.name()) + " came apart");
  }
  return true;
}

bool Cleaner::TakeSample() {
  ++samples_;
  const FamilyTracker::Place place = tracker_.Sample(line_.name);
  role_ = place.role;
  if (role_ == Role::kCreated) return true;
  Step(place.step);
  if (!decided_ && !Decide()) return false;
  return TakeSampleOfFamily();
}

bool Cleaner::TakeSampleOfFamily() {
  if (role_ == Role::kCreated || !takes_) return true;
  if (tracker_.refused() || came_back_) {
    ++left_out_.type;
    return true;
  }
  if (line_.defect != TextLine::Defect::kNone || !HasTypesLabels()) {
    ++left_out_.invalid;
    return true;
  }
  if (!series_.Insert(SeriesHash())) {
    ++left_out_.duplicate;
    return true;
  }
  families_left_ = true;
  if (!meta_written_) {
    meta_written_ = true;
    if (!Wrote(meta_.Write(tracker_.name(), tracker_.type(), &output_))) return false;
  }
  return Wrote(WriteSample());
}

// Whether the sample of a histogram or summary has le or quantile exactly where it must.
bool Cleaner::HasTypesLabels() const {
  const std::string_view wanted = NumberLabel(tracker_.type());
  if (wanted.empty()) return true;
  if (tracker_.type() == TextType::kHistogram && role_ == Role::kPlain) return false;
  bool found = false;
  for (const TextLabel& label : line_.labels) {
    if (label.name != wanted) continue;
    double number = 0;
    if (!ReadTextFloat(label.value, &number) || std::isnan(number)) return false;
    found = true;
  }
  return found == (role_ == Role::kBucket || role_ == Role::kPlain);
}

// The same for the same labels in any order. Notes whether there are labels to be renamed, and
// whether all may be hashed as they stand.
uint64_t Cleaner::SeriesHash() {
  renames_ = false;
  is_plain_ = true;
  const bool has_number = role_ == Role::kBucket || role_ == Role::kPlain;
  const std::string_view number_label = has_number ? NumberLabel(tracker_.type()) : "";
  uint64_t hash = HashOfRole(role_);
  for (const TextLabel& label : line_.labels) {
    const bool is_number = label.name == number_label;
    const bool renamed = IsGroupingLabel(label.name);
    if (renamed) renames_ = true;
    const bool canonical =
        !is_number && !renamed && label.value.data() == label.name.data() + label.name.size() + 2;
    if (!canonical) is_plain_ = false;
    if (label.value.empty()) continue;
    hash += HashBytes(canonical ? AsItStands(label) : CanonicalLabel(label, is_number), kLabelSeed);
  }
  return hash;
}

// NAME="VALUE of a label as it will be written, without blanks; a number by its value.
std::string_view Cleaner::CanonicalLabel(const TextLabel& label, bool is_number) {
  scratch_.clear();
  AppendNewName(label.name, &scratch_);
  scratch_.append("=\"");
  double value = 0;
  if (is_number && ReadTextFloat(label.value, &value)) {
    char bytes[sizeof value];
    value += 0.0;  // -0 becomes 0
    std::memcpy(bytes, &value, sizeof value);
    return scratch_.append(bytes, sizeof bytes);
  }
  return scratch_.append(label.value);
}

void Cleaner::AppendNewName(std::string_view name, std::string* to) const {
  if (!IsGroupingLabel(name)) {
    to->append(name);
    return;
  }
  constexpr std::string_view kPrefix = "exported_";
  const size_t begin = to->size();
  to->append(kPrefix).append(name);
  const auto is_there = [&](const TextLabel& label) {
    return label.name == std::string_view(*to).substr(begin);
  };
  while (std::any_of(line_.labels.begin(), line_.labels.end(), is_there)) {
    to->insert(begin, kPrefix);
  }
}

bool Cleaner::WriteSample() {
  const char* from = line_.name.data();
  const char* const end = line_.value.data() + line_.value.size();
  if (!renames_ && in_piece_ && *end == '\n') return output_.Keep(Between(from, end + 1));
  scratch_.clear();
  if (renames_) {
    for (const TextLabel& label : line_.labels) {
      if (!IsGroupingLabel(label.name)) continue;
      scratch_.append(from, label.name.data());
      AppendNewName(label.name, &scratch_);
      from = label.name.data() + label.name.size();
    }
  }
  return output_.Write(scratch_.append(from, end).append("\n"));
}

bool Cleaner::Wrote(bool written) {
  return written || Fail(Stop::kSink, "what came out was not taken");
}

}  // namespace promplug
