// SPDX-License-Identifier: MIT
#include "exposition/text_reader.hpp"

#include <bit>
#include <cstring>

#include "base/byte_block.hpp"
#include "base/text.hpp"
#include "exposition/text_reader_number.hpp"
#include "metrics/hash.hpp"

namespace promplug {
namespace {

// What a byte may be part of.
enum ByteClass : uint8_t {
  kNameStart = 1,    // of a metric name
  kNameByte = 2,     // of a metric name
  kLabelStart = 4,   // of a label name
  kLabelByte = 8,    // of a label name
  kValueBreak = 16,  // of a label value: '"', '\\', or not ASCII
};

constexpr std::array<uint8_t, 256> MakeByteClasses() {
  std::array<uint8_t, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    uint8_t of = 0;
    if (letter) of |= kLabelStart | kNameStart;
    if (letter || digit) of |= kLabelByte | kNameByte;
    if (c == ':') of |= kNameStart | kNameByte;
    if (c == '"' || c == '\\' || c >= 0x80) of |= kValueBreak;
    classes[static_cast<size_t>(c)] = of;
  }
  return classes;
}

constexpr std::array<uint8_t, 256> kByteClasses = MakeByteClasses();

uint8_t ClassOf(char c) { return kByteClasses[static_cast<unsigned char>(c)]; }
bool Is(char c, uint8_t byte_class) { return (ClassOf(c) & byte_class) != 0; }
bool IsBlank(char c) { return c == ' ' || c == '\t'; }

const char* SkipBlanks(const char* p, const char* end) {
  while (p != end && IsBlank(*p)) ++p;
  return p;
}

const char* SkipWord(const char* p, const char* end) {
  while (p != end && !IsBlank(*p)) ++p;
  return p;
}

ByteBlock IsNameByte(ByteBlock block, uint8_t byte) {
  const ByteBlock letters = IsBetween(block | EveryByte('a' - 'A'), 'a', 'z');
  // ':' is the byte behind '9'.
  const ByteBlock digits = IsBetween(block, '0', byte == kNameByte ? ':' : '9');
  return letters | digits | IsByte(block, '_');
}

// The end of the name at p; p itself where there is none.
const char* SkipName(const char* p, const char* end, uint8_t start, uint8_t byte) {
  if (p == end || !Is(*p, start)) return p;
  for (; end - p >= static_cast<ptrdiff_t>(kBlockBytes); p += kBlockBytes) {
    const auto size = std::countr_one(HighBits(IsNameByte(LoadBlock(p), byte)));
    if (size < static_cast<int>(kBlockBytes)) return p + size;
  }
  while (p != end && Is(*p, byte)) ++p;
  return p;
}

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

struct TypeWord {
  std::string_view word;
  TextType type;
};

constexpr TypeWord kTypeWords[] = {
    {"gauge", TextType::kGauge},
    {"counter", TextType::kCounter},
    {"untyped", TextType::kUntyped},
    {"histogram", TextType::kHistogram},
    {"summary", TextType::kSummary},
    {"unknown", TextType::kUnknown},
    {"info", TextType::kInfo},
    {"stateset", TextType::kStateset},
    {"gaugehistogram", TextType::kGaugeHistogram},
    {"gauge_histogram", TextType::kGaugeHistogram},
};

TextType TypeOf(std::string_view word) {
  for (const TypeWord& known : kTypeWords) {
    const size_t size = known.word.size();
    if (size != word.size()) continue;
    const bool same = EqualBytes(known.word.data(), word.data(), size);
    if (same || EqualsIgnoreCase(known.word, word)) return known.type;
  }
  return TextType::kNone;
}

ByteBlock BreaksValue(ByteBlock block) { return IsByte(block, '"') | IsByte(block, '\\') | block; }

// The first byte that a label value does not simply hold: '"', '\\', or not ASCII; or `end`.
const char* FindValueBreak(const char* p, const char* end) {
  for (; end - p >= static_cast<ptrdiff_t>(kBlockBytes); p += kBlockBytes) {
    const uint32_t breaks = HighBits(BreaksValue(LoadBlock(p)));
    if (breaks != 0) return p + std::countr_zero(breaks);
  }
  while (p != end && !Is(*p, kValueBreak)) ++p;
  return p;
}

// REQUIRES: p is behind the opening quote. Returns the closing quote; nullptr: there is none, or an
// escape is wrong.
const char* FindClosingQuote(const char* p, const char* end, bool* ascii,
                             std::string_view* reason) {
  for (;; ++p) {
    p = FindValueBreak(p, end);
    if (p == end) {
      *reason = "label value has no closing quote";
      return nullptr;
    }
    if (*p == '"') return p;
    if (*p != '\\') {
      *ascii = false;
      continue;
    }
    ++p;
    if (p == end || (*p != '\\' && *p != '"' && *p != 'n')) {
      *reason = "invalid escape sequence in a label value";
      return nullptr;
    }
  }
}

enum class Keyword { kOther, kHelp, kType, kEof };

// The keyword of a comment. *at is behind the '#', and is left behind the keyword.
Keyword ReadKeyword(const char** at, const char* end) {
  constexpr std::string_view kHelp = " HELP ";
  constexpr std::string_view kType = " TYPE ";
  const char* p = *at;
  if (end - p > static_cast<ptrdiff_t>(kHelp.size())) {
    const bool help = std::memcmp(p, kHelp.data(), kHelp.size()) == 0;
    if (help || std::memcmp(p, kType.data(), kType.size()) == 0) {
      *at = p + kHelp.size();
      return help ? Keyword::kHelp : Keyword::kType;
    }
  }
  p = SkipBlanks(p, end);
  *at = SkipWord(p, end);
  const std::string_view keyword = Between(p, *at);
  if (keyword == "HELP") return Keyword::kHelp;
  if (keyword == "TYPE") return Keyword::kType;
  return keyword == "EOF" ? Keyword::kEof : Keyword::kOther;
}

bool IsTimestamp(std::string_view text) {
  return text.find_first_not_of("0123456789+-.eE") == std::string_view::npos && IsTextFloat(text);
}

// REQUIRES: *p is '#'
std::string_view CheckExemplar(const char* p, const char* end) {
  p = SkipBlanks(p + 1, end);
  return p != end && *p == '{' ? std::string_view() : "unexpected '#' after the value";
}

}  // namespace

std::string_view TextLineReader::Read(std::string_view line, TextLine* out) {
  out->kind = TextLine::Kind::kNothing;
  form_.Forget();
  if (!line.empty() && line.back() == '\r') return "the line ends with CR LF";
  const char* const end = line.data() + line.size();
  const char* const p = SkipBlanks(line.data(), end);
  if (p == end) return {};
  if (*p == '#') return ReadComment(p + 1, end, out);
  const std::string_view reason = ReadSample(p, end, out);
  if (reason.empty()) form_.Learn(line, *out);
  return reason;
}

std::string_view TextLineReader::ReadComment(const char* p, const char* end, TextLine* out) {
  const Keyword keyword = ReadKeyword(&p, end);
  const bool help = keyword == Keyword::kHelp;
  if (!help && keyword != Keyword::kType) {
    if (keyword == Keyword::kEof && p == end) out->kind = TextLine::Kind::kEof;
    return {};
  }
  p = SkipBlanks(p, end);
  if (p == end) return {};
  const char* const name_end = help ? SkipNewMetricName(p, end) : SkipMetricName(p, end);
  if (name_end == p || (name_end != end && !IsBlank(*name_end))) {
    return "invalid metric name in a comment";
  }
  out->name = Between(p, name_end);
  const char* const rest = SkipBlanks(name_end, end);
  if (rest == end) return {};
  if (help) {
    out->kind = TextLine::Kind::kHelp;
    out->text = Between(rest, end);
    return {};
  }
  out->kind = TextLine::Kind::kType;
  const std::string_view word = Between(rest, end);
  out->type = TypeOf(IsBlank(word.back()) ? TrimSpaces(word) : word);
  return out->type == TextType::kNone ? "unknown metric type" : std::string_view();
}

std::string_view TextLineReader::ReadSample(const char* p, const char* end, TextLine* out) {
  out->kind = TextLine::Kind::kSample;
  out->labels = {};
  out->timestamp = {};
  out->defect = TextLine::Defect::kNone;
  const char* const name_end = SkipMetricName(p, end);
  if (name_end == p) return "invalid metric name";
  out->name = Between(p, name_end);
  if (name_end != end && !IsBlank(*name_end) && *name_end != '{') return "invalid metric name";
  p = SkipBlanks(name_end, end);
  if (p != end && *p == '{') {
    if (const std::string_view reason = ReadLabels(&p, end, out); !reason.empty()) return reason;
    p = SkipBlanks(p, end);
  }
  const char* const value_end = SkipWord(p, end);
  out->value = Between(p, value_end);
  if (!IsTextFloat(out->value)) return "expected a number as value";
  p = SkipBlanks(value_end, end);
  if (p == end) return {};
  if (*p == '#') return CheckExemplar(p, end);
  const char* const timestamp_end = SkipWord(p, end);
  out->timestamp = Between(p, timestamp_end);
  if (!IsTimestamp(out->timestamp)) return "expected a number as timestamp";
  p = SkipBlanks(timestamp_end, end);
  if (p == end) return {};
  return *p == '#' ? CheckExemplar(p, end) : "unexpected text after the timestamp";
}

const char* TextLineReader::SkipMetricName(const char* p, const char* end) {
  if (static_cast<size_t>(end - p) > last_name_size_) {
    const char* const as_last = p + last_name_size_;
    const bool is_last =
        !Is(*as_last, kNameByte) && EqualBytes(p, last_name_.data(), last_name_size_);
    if (is_last) return as_last;
  }
  return SkipNewMetricName(p, end);
}

const char* TextLineReader::SkipNewMetricName(const char* p, const char* end) {
  const char* const name_end = SkipName(p, end, kNameStart, kNameByte);
  const auto size = static_cast<size_t>(name_end - p);
  last_name_size_ = size <= last_name_.size() ? size : 0;
  std::memcpy(last_name_.data(), p, last_name_size_);
  return name_end;
}

// REQUIRES: **at is '{'. Leaves *at behind the '}'.
std::string_view TextLineReader::ReadLabels(const char** at, const char* end, TextLine* out) {
  label_count_ = 0;
  const char* p = SkipBlanks(*at + 1, end);
  while (p != end && *p != '}') {
    const char* const name_end = SkipName(p, end, kLabelStart, kLabelByte);
    if (name_end == p) return "invalid label name";
    const std::string_view name = Between(p, name_end);
    p = name_end;
    if (end - p >= 2 && p[0] == '=' && p[1] == '"') {
      p += 2;
    } else {
      p = SkipBlanks(p, end);
      if (p == end || *p != '=') return "expected '=' after a label name";
      p = SkipBlanks(p + 1, end);
      if (p == end || *p != '"') return "expected '\"' at the start of a label value";
      ++p;
    }
    bool ascii = true;
    std::string_view reason;
    const char* const quote = FindClosingQuote(p, end, &ascii, &reason);
    if (quote == nullptr) return reason;
    AddLabel(name, Between(p, quote), ascii, out);
    p = SkipBlanks(quote + 1, end);
    if (p == end || (*p != ',' && *p != '}')) return "expected ',' or '}' after a label value";
    if (*p == ',') p = SkipBlanks(p + 1, end);
  }
  if (p == end) return "labels have no closing '}'";
  *at = p + 1;
  out->labels = {labels_.data(), label_count_};
  return {};
}

void TextLineReader::AddLabel(std::string_view name, std::string_view value, bool ascii,
                              TextLine* out) {
  using Defect = TextLine::Defect;
  if (name.starts_with("__")) out->defect = Defect::kReservedLabel;
  if (!ascii && !IsValidUtf8(value)) out->defect = Defect::kNotUtf8;
  if (label_count_ == kMaxLabels) {
    out->defect = Defect::kTooManyLabels;
    return;
  }
  for (size_t i = 0; i < label_count_; ++i) {
    if (labels_[i].name == name) out->defect = Defect::kRepeatedLabel;
  }
  labels_[label_count_].name = name;
  labels_[label_count_].value = value;
  ++label_count_;
}

}  // namespace promplug
