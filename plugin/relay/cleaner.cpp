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

constexpr size_t kBufferBytes = size_t{32} * 1024;
constexpr uint64_t kLabelSeed = 0x6C6162656C;
constexpr uint64_t kRoleFactor = 0x9E3779B97F4A7C15u;

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// The labels of the grouping key: the Pushgateway puts its own in their place.
bool IsGroupingLabel(std::string_view name) { return name == "job" || name == "instance"; }

// The type for text 0.0.4; empty: no TYPE line.
std::string_view TypeWord(TextType type) {
  switch (type) {
    case TextType::kCounter:
      return "counter";
    case TextType::kGauge:
    case TextType::kInfo:
    case TextType::kStateset:
      return "gauge";
    case TextType::kHistogram:
      return "histogram";
    case TextType::kSummary:
      return "summary";
    case TextType::kUntyped:
    case TextType::kUnknown:
    case TextType::kGaugeHistogram:
      return "untyped";
    case TextType::kNone:
      break;
  }
  return {};
}

// The label whose value is a number that tells apart the samples of one histogram or summary.
std::string_view NumberLabel(TextType type) {
  if (type == TextType::kHistogram) return "le";
  if (type == TextType::kSummary) return "quantile";
  return {};
}

// HELP as the Pushgateway takes it: a backslash is doubled or stands before an 'n'.
void AppendHelp(std::string_view text, std::string* to) {
  for (;;) {
    const size_t backslash = text.find('\\');
    to->append(text.substr(0, backslash));
    if (backslash == std::string_view::npos) return;
    text.remove_prefix(backslash + 1);
    if (text.starts_with('"')) continue;
    const bool escape = text.starts_with('\\') || text.starts_with('n');
    to->push_back('\\');
    to->push_back(escape ? text[0] : '\\');
    if (escape) text.remove_prefix(1);
  }
}

}  // namespace

Cleaner::Cleaner(const FamilyFilter& filter, Input input, Out out)
    : filter_(filter), input_(input), out_(std::move(out)), buffer_(kBufferBytes) {}

bool Cleaner::Feed(std::string_view piece) {
  if (stop_ != Stop::kNone) return false;
  const auto end = splitter_.Feed(piece, [this](std::string_view line) { return TakeLine(line); });
  if (end == TextLineSplitter::End::kTooLong) {
    ++line_number_;
    return FailAtLine("the line is too long");
  }
  return end == TextLineSplitter::End::kTaken;
}

bool Cleaner::Finish() {
  if (stop_ != Stop::kNone) return false;
  if (!splitter_.at_line_start()) {
    return Fail(Stop::kInvalid, "cut: the last line does not end with a newline");
  }
  if (samples_ == 0) return Fail(Stop::kInvalid, "empty: it has no samples");
  return Flush();
}

bool Cleaner::Fail(Stop stop, std::string_view reason) {
  stop_ = stop;
  reason_ = reason;
  return false;
}

bool Cleaner::FailAtLine(std::string_view reason) {
  std::string text = "line " + std::to_string(line_number_) + ": ";
  text.append(reason);
  return Fail(Stop::kInvalid, text);
}

bool Cleaner::TakeLine(std::string_view line) {
  ++line_number_;
  const std::string_view wrong = reader_.Read(line, &line_);
  if (!wrong.empty()) return FailAtLine(std::string(wrong) + ": " + Quoted(line));
  switch (line_.kind) {
    case TextLine::Kind::kNothing:
      return true;
    case TextLine::Kind::kEof:
      ended_with_eof_ = true;
      return true;
    case TextLine::Kind::kHelp:
      Step(tracker_.Help(line_.name));
      if (help_.empty() && IsValidUtf8(line_.text)) AppendHelp(line_.text, &help_);
      break;
    case TextLine::Kind::kType:
      Step(tracker_.Type(line_.name, line_.type));
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
  help_.clear();
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
  if (place.role == Role::kCreated) return true;
  Step(place.step);
  if (!decided_ && !Decide()) return false;
  if (!takes_) return true;
  if (tracker_.refused() || came_back_) {
    ++left_out_.type;
    return true;
  }
  if (line_.defect != TextLine::Defect::kNone || !HasTypesLabels(place.role)) {
    ++left_out_.invalid;
    return true;
  }
  if (!series_.Insert(SeriesHash(place.role))) {
    ++left_out_.duplicate;
    return true;
  }
  families_left_ = true;
  return (meta_written_ || WriteMeta()) && WriteSample();
}

// Whether the sample of a histogram or summary has le or quantile exactly where it must.
bool Cleaner::HasTypesLabels(Role role) const {
  const std::string_view wanted = NumberLabel(tracker_.type());
  if (wanted.empty()) return true;
  if (tracker_.type() == TextType::kHistogram && role == Role::kPlain) return false;
  bool found = false;
  for (const TextLabel& label : line_.labels) {
    if (label.name != wanted) continue;
    double number = 0;
    if (!ReadTextFloat(label.value, &number) || std::isnan(number)) return false;
    found = true;
  }
  return found == (role == Role::kBucket || role == Role::kPlain);
}

// The same for the same labels in any order. Notes whether there are labels to be renamed.
uint64_t Cleaner::SeriesHash(Role role) {
  renames_ = false;
  const bool has_number = role == Role::kBucket || role == Role::kPlain;
  const std::string_view number_label = has_number ? NumberLabel(tracker_.type()) : "";
  uint64_t hash = (static_cast<uint64_t>(role) + 1) * kRoleFactor;
  for (const TextLabel& label : line_.labels) {
    const bool is_number = label.name == number_label;
    const bool renamed = IsGroupingLabel(label.name);
    if (renamed) renames_ = true;
    if (label.value.empty()) continue;
    const char* const begin = label.name.data();
    const char* const value = label.value.data();
    const bool canonical = !is_number && !renamed && value == begin + label.name.size() + 2;
    hash += HashBytes(
        canonical ? Between(begin, value + label.value.size()) : CanonicalLabel(label, is_number),
        kLabelSeed);
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

bool Cleaner::WriteMeta() {
  meta_written_ = true;
  if (!help_.empty()) {
    scratch_.assign("# HELP ").append(tracker_.name()).append(" ").append(help_);
    if (!WriteLine(scratch_)) return false;
  }
  const std::string_view word = TypeWord(tracker_.type());
  if (word.empty()) return true;
  scratch_.assign("# TYPE ").append(tracker_.name()).append(" ").append(word);
  return WriteLine(scratch_);
}

bool Cleaner::WriteSample() {
  const char* from = line_.name.data();
  const char* const end = line_.value.data() + line_.value.size();
  if (!renames_) return WriteLine(Between(from, end));
  scratch_.clear();
  for (const TextLabel& label : line_.labels) {
    if (!IsGroupingLabel(label.name)) continue;
    scratch_.append(from, label.name.data());
    AppendNewName(label.name, &scratch_);
    from = label.name.data() + label.name.size();
  }
  return WriteLine(scratch_.append(from, end));
}

// The text and a newline.
bool Cleaner::WriteLine(std::string_view text) {
  if (text.size() >= buffer_.size() - buffered_) {
    if (!Flush()) return false;
    if (text.size() >= buffer_.size()) return Give(text) && Give("\n");
  }
  char* const to = buffer_.data() + buffered_;
  std::memcpy(to, text.data(), text.size());
  to[text.size()] = '\n';
  buffered_ += text.size() + 1;
  return true;
}

bool Cleaner::Flush() {
  const std::string_view text(buffer_.data(), std::exchange(buffered_, 0));
  return text.empty() || Give(text);
}

bool Cleaner::Give(std::string_view text) {
  return out_(text) || Fail(Stop::kSink, "what came out was not taken");
}

}  // namespace promplug
