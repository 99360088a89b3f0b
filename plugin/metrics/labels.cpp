// SPDX-License-Identifier: MIT
#include "metrics/labels.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace promplug {
namespace {

Status CheckLabel(const Label& label, const Label* earlier, size_t n_earlier) {
  if (!IsValidLabelName(label.name)) {
    return Status(Code::kInvalid, "label name " + Quoted(label.name) +
                                      " is not valid; expected [a-zA-Z_][a-zA-Z0-9_]*");
  }
  if (label.name.starts_with("__")) {
    return Status(Code::kInvalid, "label name " + Quoted(label.name) + " is reserved");
  }
  for (size_t i = 0; i < n_earlier; ++i) {
    if (earlier[i].name == label.name) {
      return Status(Code::kInvalid, "label name " + Quoted(label.name) + " comes twice");
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

Status AppendRenderedLabels(std::string* out, const Label* labels, size_t n) {
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
    out->append(labels[i].name).append("=\"");
    AppendEscapedLabelValue(out, labels[i].value);
    out->push_back('"');
  }
  out->push_back('}');
  return Status();
}

LabelReader::LabelReader(std::string_view rendered) : rest_(rendered) {
  if (!rest_.empty()) rest_.remove_prefix(1);
}

bool LabelReader::Next() {
  const size_t equals = rest_.find('=');
  if (equals == std::string_view::npos) return false;
  name_ = rest_.substr(0, equals);
  const size_t begin = equals + 2;
  size_t end = begin;
  while (end < rest_.size() && rest_[end] != '"') end += rest_[end] == '\\' ? 2 : 1;
  if (end >= rest_.size()) return false;
  value_ = rest_.substr(begin, end - begin);
  // The quote, and the comma or brace behind it.
  rest_.remove_prefix(std::min(end + 2, rest_.size()));
  return true;
}

uint64_t HashLabelSet(std::string_view rendered) {
  // A sum does not depend on the order; each label is hashed on its own first.
  uint64_t sum = 0x2545F4914F6CDD1Du;
  for (LabelReader reader(rendered); reader.Next();) {
    sum += HashBytes(reader.escaped_value(), HashBytes(reader.name(), 0x5851F42D4C957F2Du));
  }
  return MixWords(sum, 0x9E3779B97F4A7C15u);
}

}  // namespace promplug
