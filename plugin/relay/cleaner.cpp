// SPDX-License-Identifier: MIT
#include "relay/cleaner.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/text.hpp"
#include "exposition/text_reader_number.hpp"
#include "metrics/hash.hpp"

namespace promplug {
namespace {

using Role = FamilyTracker::Role;

constexpr size_t kBufferBytes = 32 * 1024;
constexpr uint64_t kLabelSeed = 0x6C6162656C;
constexpr uint64_t kRoleFactor = 0x9E3779B97F4A7C15u;

// The labels of the grouping key: the Pushgateway puts its own in their place.
bool IsGroupingLabel(std::string_view name) { return name == "job" || name == "instance"; }

// The type for text 0.0.4; empty: no TYPE line.
std::string_view TypeWord(TextType type) {
  switch (type) {
    case TextType::kCounter: return "counter";
    case TextType::kGauge:
    case TextType::kInfo:
    case TextType::kStateset: return "gauge";
    case TextType::kHistogram: return "histogram";
    case TextType::kSummary: return "summary";
    case TextType::kUntyped:
    case TextType::kUnknown:
    case TextType::kGaugeHistogram: return "untyped";
    case TextType::kNone: break;
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
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      to->push_back(text[i]);
      continue;
    }
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (next == '"') continue;
    to->push_back('\\');
    const bool escape = next == '\\' || next == 'n';
    to->push_back(escape ? next : '\\');
    if (escape) ++i;
  }
}

}  // namespace

Cleaner::Cleaner(const FamilyFilter& filter, Input input, Out out)
    : filter_(filter), input_(input), out_(std::move(out)), buffer_(kBufferBytes) {}

bool Cleaner::Feed(std::string_view piece) {
  if (stop_ != Stop::kNone) return false;
  const auto end =
      splitter_.Feed(piece, [this](std::string_view line) { return TakeLine(line); });
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
  uint64_t hash = (static_cast<uint64_t>(role) + 1) * kRoleFactor;
  for (const TextLabel& label : line_.labels) {
    if (IsGroupingLabel(label.name)) renames_ = true;
    if (!label.value.empty()) hash += HashBytes(CanonicalLabel(label, role), kLabelSeed);
  }
  return hash;
}

// NAME="VALUE of a label as it will be written, without blanks, numbers by value.
std::string_view Cleaner::CanonicalLabel(const TextLabel& label, Role role) {
  const bool number = (role == Role::kBucket || role == Role::kPlain) &&
                      label.name == NumberLabel(tracker_.type());
  const char* const name_end = label.name.data() + label.name.size();
  if (!number && !IsGroupingLabel(label.name) && label.value.data() == name_end + 2) {
    const char* const end = label.value.data() + label.value.size();
    return {label.name.data(), static_cast<size_t>(end - label.name.data())};
  }
  scratch_.clear();
  AppendNewName(label.name, &scratch_);
  scratch_.append("=\"");
  double value = 0;
  if (number && ReadTextFloat(label.value, &value)) {
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
  scratch_.clear();
  if (!help_.empty()) {
    scratch_.append("# HELP ").append(tracker_.name()).append(" ").append(help_).append("\n");
  }
  if (const std::string_view word = TypeWord(tracker_.type()); !word.empty()) {
    scratch_.append("# TYPE ").append(tracker_.name()).append(" ").append(word).append("\n");
  }
  return Write(scratch_);
}

bool Cleaner::WriteSample() {
  const char* from = line_.name.data();
  const char* const end = line_.value.data() + line_.value.size();
  if (!renames_) return Write({from, static_cast<size_t>(end - from)}) && Write("\n");
  scratch_.clear();
  for (const TextLabel& label : line_.labels) {
    if (!IsGroupingLabel(label.name)) continue;
    scratch_.append(from, label.name.data());
    AppendNewName(label.name, &scratch_);
    from = label.name.data() + label.name.size();
  }
  scratch_.append(from, end).push_back('\n');
  return Write(scratch_);
}

bool Cleaner::Write(std::string_view text) {
  if (text.size() > buffer_.size() - buffered_) {
    if (!Flush()) return false;
    if (text.size() > buffer_.size()) {
      return out_(text) || Fail(Stop::kSink, "what came out was not taken");
    }
  }
  std::memcpy(buffer_.data() + buffered_, text.data(), text.size());
  buffered_ += text.size();
  return true;
}

bool Cleaner::Flush() {
  const std::string_view text(buffer_.data(), std::exchange(buffered_, 0));
  return text.empty() || out_(text) || Fail(Stop::kSink, "what came out was not taken");
}

}  // namespace promplug
