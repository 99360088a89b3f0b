// SPDX-License-Identifier: MIT
#include "relay/family_meta.hpp"

#include <cstring>

#include "base/byte_block.hpp"
#include "base/text.hpp"

namespace promplug {
namespace {

constexpr std::string_view kHelp = "# HELP ";
constexpr std::string_view kType = "# TYPE ";
constexpr size_t kKeywordBytes = 7;
static_assert(kHelp.size() == kKeywordBytes && kType.size() == kKeywordBytes);

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

// Whether such HELP is ASCII without backslashes. May say no where it is.
bool IsPlainHelp(std::string_view line) {
  if (line.size() < kBlockBytes) return false;
  const char* const last = line.data() + line.size() - kBlockBytes;
  ByteBlock found{};
  const auto look = [&](const char* p) {
    const ByteBlock block = LoadBlock(p);
    found |= block | IsByte(block, '\\');
  };
  for (const char* p = line.data(); p < last; p += kBlockBytes) look(p);
  look(last);
  return HighBits(found) == 0;
}

// Whether the line is `keyword`, the name, a space and more.
// REQUIRES: it has a keyword, a name and more
bool IsInOneForm(std::string_view line, std::string_view keyword, std::string_view name) {
  return std::memcmp(line.data(), keyword.data(), kKeywordBytes) == 0 &&
         name.data() == line.data() + kKeywordBytes && name.data()[name.size()] == ' ';
}

std::string_view WithNewline(std::string_view line) { return {line.data(), line.size() + 1}; }

}  // namespace

void FamilyMeta::Clear() {
  help_line_ = {};
  type_line_ = {};
  help_.clear();
}

void FamilyMeta::TakeHelp(std::string_view line, const TextLine& read, bool stays) {
  if (!help_line_.text.empty() || !help_.empty()) return;
  const bool as_it_stands = stays && IsInOneForm(line, kHelp, read.name) &&
                            read.text.data() == read.name.data() + read.name.size() + 1 &&
                            IsPlainHelp(line);
  if (as_it_stands) {
    help_line_ = {WithNewline(line), read.name.size()};
  } else if (IsValidUtf8(read.text)) {
    AppendHelp(read.text, &help_);
  }
}

void FamilyMeta::TakeType(std::string_view line, const TextLine& read, bool stays) {
  const bool as_it_stands =
      stays && IsInOneForm(line, kType, read.name) &&
      line.substr(kKeywordBytes + read.name.size() + 1) == TypeWord(read.type);
  if (!as_it_stands) return;
  type_line_ = {WithNewline(line), read.name.size()};
  line_type_ = read.type;
}

void FamilyMeta::Settle() {
  CopyHelp();
  type_line_ = {};
}

void FamilyMeta::CopyHelp() {
  if (help_line_.text.empty()) return;
  help_ = help_line_.text.substr(kKeywordBytes + help_line_.name_size + 1);
  help_.pop_back();
  help_line_ = {};
}

bool FamilyMeta::Write(std::string_view name, TextType type, LineOutput* output) {
  // The name of a line begins that of the family: of one length, they are the same.
  if (help_line_.name_size == name.size()) {
    if (!output->Keep(help_line_.text)) return false;
  } else {
    CopyHelp();
    if (!help_.empty()) {
      scratch_.assign(kHelp).append(name).append(" ").append(help_).append("\n");
      if (!output->Write(scratch_)) return false;
    }
  }
  if (type == TextType::kNone) return true;
  if (type_line_.name_size == name.size() && line_type_ == type) {
    return output->Keep(type_line_.text);
  }
  scratch_.assign(kType).append(name).append(" ").append(TypeWord(type)).append("\n");
  return output->Write(scratch_);
}

}  // namespace promplug
