// SPDX-License-Identifier: MIT
#include "metrics/labels.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "metrics/hash_seed.hpp"
#include "metrics/names.hpp"

namespace promplug {
namespace {

bool IsReserved(std::string_view name) {
  constexpr std::string_view kReserved = "__";
  if (name.starts_with(kReserved)) return true;
  if (IsValidLabelName(name)) return false;
  // What a reader gets may not be reserved either.
  std::string shown;
  AppendEscapedLabelName(&shown, name, Escaping::kUnderscores);
  return shown.starts_with(kReserved);
}

Status CheckLabel(const Label& label, const Label* earlier, size_t n_earlier) {
  if (!IsUtf8Name(label.name)) {
    return Status(Code::kInvalid, "label name " + Quoted(label.name) + " is empty or not UTF-8");
  }
  if (IsReserved(label.name)) {
    return Status(Code::kInvalid, "label name " + Quoted(label.name) + " is reserved");
  }
  for (size_t i = 0; i < n_earlier; ++i) {
    if (earlier[i].name == label.name) {
      return Status(Code::kInvalid, "label name " + Quoted(label.name) + " comes twice");
    }
    if (LabelNamesCollide(earlier[i].name, label.name)) {
      return Status(Code::kInvalid, "label names " + Quoted(earlier[i].name) + " and " +
                                        Quoted(label.name) + " are the same to some readers");
    }
  }
  if (!IsValidUtf8(label.value)) {
    return Status(Code::kInvalid, "the value " + Quoted(label.value) + " of label " +
                                      Quoted(label.name) + " is not UTF-8");
  }
  return Status();
}

}  // namespace

void AppendEscapedLabelValue(std::string* out, std::string_view value) {
  size_t done = 0;
  for (size_t i = value.find_first_of("\\\"\n"); i != std::string_view::npos;
       i = value.find_first_of("\\\"\n", i + 1)) {
    out->append(value.substr(done, i - done));
    out->push_back('\\');
    out->push_back(value[i] == '\n' ? 'n' : value[i]);
    done = i + 1;
  }
  out->append(value.substr(done));
}

void AppendUnescapedLabelValue(std::string* out, std::string_view escaped) {
  for (size_t i = 0; i < escaped.size(); ++i) {
    char c = escaped[i];
    if (c == '\\' && i + 1 < escaped.size()) {
      c = escaped[++i];
      if (c == 'n') c = '\n';
    }
    out->push_back(c);
  }
}

bool IsEscapedAs(std::string_view value, std::string_view escaped) {
  for (const char c : value) {
    const bool special = c == '\\' || c == '"' || c == '\n';
    if (special) {
      if (escaped.empty() || escaped[0] != '\\') return false;
      escaped.remove_prefix(1);
    }
    if (escaped.empty() || escaped[0] != (c == '\n' ? 'n' : c)) return false;
    escaped.remove_prefix(1);
  }
  return escaped.empty();
}

bool AppendRenderedName(std::string* out, std::string_view name) {
  if (IsValidLabelName(name)) {
    out->append(name);
    return false;
  }
  out->push_back('"');
  AppendEscapedLabelValue(out, name);
  out->push_back('"');
  return true;
}

Status AppendRenderedLabels(std::string* out, const Label* labels, size_t n, bool* quoted) {
  if (n == 0) return Status();
  const size_t before = out->size();
  out->push_back('{');
  for (size_t i = 0; i < n; ++i) {
    Status status = CheckLabel(labels[i], labels, i);
    if (!status.ok()) {
      out->resize(before);
      return status;
    }
    if (i > 0) out->push_back(',');
    const bool quotes = AppendRenderedName(out, labels[i].name);
    if (quotes && quoted != nullptr) *quoted = true;
    out->append("=\"");
    AppendEscapedLabelValue(out, labels[i].value);
    out->push_back('"');
  }
  out->push_back('}');
  return Status();
}

bool IsLabelBlock(std::string_view rendered) {
  return rendered.empty() || (rendered.size() >= 2 && rendered.front() == '{' &&
                              rendered.back() == '}' && IsValidUtf8(rendered));
}

namespace {

// The quote that ends the text that begins at `begin`; at least the size of `rendered`: none does.
size_t FindQuote(std::string_view rendered, size_t begin) {
  size_t at = begin;
  while (at < rendered.size() && rendered[at] != '"') at += rendered[at] == '\\' ? 2 : 1;
  return at;
}

}  // namespace

LabelReader::LabelReader(std::string_view rendered) : rest_(rendered) {
  if (!rest_.empty()) rest_.remove_prefix(1);
}

void LabelReader::AppendShownName(std::string* out, Escaping escaping) const {
  std::string name;
  AppendUnescapedLabelValue(&name, name_);
  AppendEscapedLabelName(out, name, escaping);
}

bool LabelReader::Next() {
  size_t equals;
  quoted_ = !rest_.empty() && rest_[0] == '"';
  if (quoted_) {
    const size_t quote = FindQuote(rest_, 1);
    if (quote >= rest_.size()) return false;
    name_ = rest_.substr(1, quote - 1);
    equals = quote + 1;
  } else {
    equals = rest_.find('=');
    if (equals == std::string_view::npos) return false;
    name_ = rest_.substr(0, equals);
  }
  const size_t begin = equals + 2;
  const size_t end = FindQuote(rest_, begin);
  if (end >= rest_.size()) return false;
  value_ = rest_.substr(begin, end - begin);
  // The quote, and the comma or brace behind it.
  rest_.remove_prefix(std::min(end + 2, rest_.size()));
  return true;
}

uint64_t HashLabelSet(std::string_view rendered, Escaping escaping) {
  const uint64_t seed = ProcessSeed();
  // A sum does not depend on the order; each label is hashed on its own first.
  uint64_t sum = seed;
  std::string shown;
  for (LabelReader reader(rendered); reader.Next();) {
    std::string_view name = reader.escaped_name();
    if (reader.is_quoted()) {
      shown.clear();
      reader.AppendShownName(&shown, escaping);
      name = shown;
    }
    sum += HashBytes(reader.escaped_value(), HashBytes(name, seed));
  }
  return MixWords(sum, 0x9E3779B97F4A7C15u);
}

}  // namespace promplug
