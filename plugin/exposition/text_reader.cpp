// SPDX-License-Identifier: MIT
#include "exposition/text_reader.hpp"

#include <bit>
#include <cstring>

#include "base/text.hpp"
#include "exposition/text_reader_number.hpp"

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

// The end of the name at p; p itself where there is none.
const char* SkipName(const char* p, const char* end, uint8_t start, uint8_t byte) {
  if (p == end || !Is(*p, start)) return p;
  ++p;
  while (end - p >= 4) {
    const uint8_t all = ClassOf(p[0]) & ClassOf(p[1]) & ClassOf(p[2]) & ClassOf(p[3]);
    if ((all & byte) == 0) break;
    p += 4;
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
    {"untyped", TextType::kUntyped},
    {"counter", TextType::kCounter},
    {"gauge", TextType::kGauge},
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
    if (EqualsIgnoreCase(known.word, word)) return known.type;
  }
  return TextType::kNone;
}

// The bits 0x80 of those bytes of `word` that are zero, and perhaps of bytes above such a one.
uint64_t ZeroBytes(uint64_t word) {
  return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

// The first byte that a label value does not simply hold: '"', '\\', or not ASCII; or `end`.
const char* FindValueBreak(const char* p, const char* end) {
  constexpr uint64_t kEveryByte = 0x0101010101010101u;
  // The lowest mark is exact, and in memory order the first where the machine is little-endian.
  while (std::endian::native == std::endian::little && end - p >= 8) {
    uint64_t word;
    std::memcpy(&word, p, sizeof word);
    const uint64_t marks = (word & (kEveryByte * 0x80)) | ZeroBytes(word ^ (kEveryByte * '"')) |
                           ZeroBytes(word ^ (kEveryByte * '\\'));
    if (marks != 0) return p + std::countr_zero(marks) / 8;
    p += 8;
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
  if (!line.empty() && line.back() == '\r') return "the line ends with CR LF";
  const char* const end = line.data() + line.size();
  const char* const p = SkipBlanks(line.data(), end);
  if (p == end) return {};
  if (*p == '#') return ReadComment(p + 1, end, out);
  return ReadSample(p, end, out);
}

std::string_view TextLineReader::ReadComment(const char* p, const char* end, TextLine* out) {
  p = SkipBlanks(p, end);
  const char* const keyword_end = SkipWord(p, end);
  const std::string_view keyword = Between(p, keyword_end);
  const bool help = keyword == "HELP";
  if (!help && keyword != "TYPE") {
    if (keyword == "EOF" && keyword_end == end) out->kind = TextLine::Kind::kEof;
    return {};
  }
  p = SkipBlanks(keyword_end, end);
  if (p == end) return {};
  const char* const name_end = SkipMetricName(p, end);
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
  out->type = TypeOf(TrimSpaces(Between(rest, end)));
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
        !Is(*as_last, kNameByte) && std::memcmp(p, last_name_.data(), last_name_size_) == 0;
    if (is_last) return as_last;
  }
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
