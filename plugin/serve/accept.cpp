// SPDX-License-Identifier: MIT
#include "serve/accept.hpp"

#include <array>
#include <optional>

#include "base/text.hpp"

namespace promplug {
namespace {

constexpr int kMaxQ = 1000;

constexpr std::array kFormats = {
    MediaRow{"text/plain", ";version=0.0.4", Format::kText004},
    MediaRow{"text/plain", ";version=1.0.0;escaping=allow-utf-8", Format::kText100, true},
    MediaRow{"application/openmetrics-text", ";version=1.0.0", Format::kOpenMetrics},
    // A draft of the same.
    MediaRow{"application/openmetrics-text", ";version=0.0.1", Format::kOpenMetrics},
    MediaRow{"application/vnd.google.protobuf",
             ";proto=io.prometheus.client.MetricFamily;encoding=delimited", Format::kProtobuf},
};

// Cuts *rest behind the next `separator` that is not inside quotes and returns what was before it.
std::string_view CutAt(std::string_view* rest, char separator) {
  bool quoted = false;
  size_t i = 0;
  for (; i < rest->size(); ++i) {
    const char c = (*rest)[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (!quoted && c == separator) break;
  }
  const std::string_view piece = rest->substr(0, i);
  rest->remove_prefix(i < rest->size() ? i + 1 : rest->size());
  return piece;
}

// qvalue of RFC 9110 in thousandths: "0" or "1", with up to three decimals, at most 1; -1 for all
// else.
int ParseQ(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return -1;
  if (text.size() > 1 && text[1] != '.') return -1;
  int q = (text[0] - '0') * kMaxQ;
  int unit = kMaxQ / 10;
  for (size_t i = 2; i < text.size(); ++i, unit /= 10) {
    if (text[i] < '0' || text[i] > '9') return -1;
    q += (text[i] - '0') * unit;
  }
  return q <= kMaxQ ? q : -1;
}

struct Parameter {
  std::string_view name;
  std::string_view value;
};

Parameter CutParameter(std::string_view* rest) {
  const std::string_view text = TrimSpaces(CutAt(rest, ';'));
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {text, {}};
  std::string_view value = TrimSpaces(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return {TrimSpaces(text.substr(0, equals)), value};
}

// How specifically the element names the row: 0 not at all, 1 "*/*", 2 "text/*", 3 "text/plain",
// and one more for each parameter of the row that it names.
int Specificity(const AcceptItem& item, const MediaRow& row) {
  if (item.value == "*/*") return row.all_named ? 0 : 1;
  const size_t slash = row.type.find('/') + 1;
  if (item.value.size() == slash + 1 && item.value.back() == '*' &&
      EqualsIgnoreCase(item.value.substr(0, slash), row.type.substr(0, slash))) {
    return row.all_named ? 0 : 2;
  }
  if (!EqualsIgnoreCase(item.value, row.type)) return 0;
  int specificity = 3;
  for (std::string_view rest = row.parameters; !rest.empty();) {
    const Parameter known = CutParameter(&rest);
    if (known.name.empty()) continue;
    const std::string_view asked = FindParameter(item.parameters, known.name);
    if (asked.empty() && row.all_named) return 0;
    if (asked.empty()) continue;
    if (!EqualsIgnoreCase(asked, known.value)) return 0;
    ++specificity;
  }
  return specificity;
}

// The element that decides about the row, nullptr if none names it.
const AcceptItem* Decider(const std::vector<AcceptItem>& items, const MediaRow& row) {
  const AcceptItem* decider = nullptr;
  int best = 0;
  for (const AcceptItem& item : items) {
    const int specificity = Specificity(item, row);
    if (specificity > best) {
      best = specificity;
      decider = &item;
    }
  }
  return decider;
}

// Whether the element names the coding; "x-gzip" is gzip (RFC 9110, section 8.4.1.3).
bool Names(const AcceptItem& item, std::string_view coding) {
  return EqualsIgnoreCase(item.value, coding) ||
         (coding == NameOf(Coding::kGzip) && EqualsIgnoreCase(item.value, "x-gzip"));
}

// Of the last element that names the coding.
std::optional<int> QOf(std::string_view coding, const std::vector<AcceptItem>& items) {
  std::optional<int> q;
  for (const AcceptItem& item : items) {
    if (Names(item, coding)) q = item.q;
  }
  return q;
}

}  // namespace

std::vector<AcceptItem> ParseAccept(std::string_view header) {
  std::vector<AcceptItem> items;
  while (!header.empty()) {
    const std::string_view element = TrimSpaces(CutAt(&header, ','));
    AcceptItem item;
    item.parameters = element;
    item.value = TrimSpaces(CutAt(&item.parameters, ';'));
    if (item.value.empty()) continue;
    const std::string_view q_text = FindParameter(item.parameters, "q");
    if (!q_text.empty()) {
      item.q = ParseQ(q_text);
      if (item.q < 0) continue;
    }
    items.push_back(item);
  }
  return items;
}

std::string_view FindParameter(std::string_view parameters, std::string_view name) {
  while (!parameters.empty()) {
    const Parameter parameter = CutParameter(&parameters);
    if (EqualsIgnoreCase(parameter.name, name)) return parameter.value;
  }
  return {};
}

const MediaRow* Negotiate(std::string_view accept, std::span<const MediaRow> rows,
                          AcceptItem* element) {
  const std::vector<AcceptItem> items = ParseAccept(accept);
  const MediaRow* best = nullptr;
  const AcceptItem* best_item = nullptr;
  for (const MediaRow& row : rows) {
    const AcceptItem* item = Decider(items, row);
    if (item == nullptr || item->q == 0) continue;
    if (best == nullptr || item->q > best_item->q ||
        (item->q == best_item->q && item < best_item)) {
      best = &row;
      best_item = item;
    }
  }
  if (best != nullptr && element != nullptr) *element = *best_item;
  return best;
}

ExpositionForm NegotiateForm(std::string_view accept) {
  AcceptItem element;
  const MediaRow* row = Negotiate(accept, kFormats, &element);
  if (row == nullptr) return Format::kText004;
  return {row->format, ParseEscaping(FindParameter(element.parameters, "escaping"))};
}

Coding NegotiateCoding(std::string_view accept_encoding, std::span<const Coding> offered) {
  const std::vector<AcceptItem> items = ParseAccept(accept_encoding);
  const int any = QOf("*", items).value_or(0);
  Coding best = Coding::kIdentity;
  int best_q = QOf(NameOf(Coding::kIdentity), items).value_or(0);
  for (const Coding coding : offered) {
    const int q = QOf(NameOf(coding), items).value_or(any);
    const bool equal_is_better = best == Coding::kIdentity;
    if (q > 0 && (q > best_q || (q == best_q && equal_is_better))) {
      best = coding;
      best_q = q;
    }
  }
  return best;
}

}  // namespace promplug
