// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace promplug {

// A name may be any UTF-8 that is not empty. Names of the characters that all readers know
// (IsValidMetricName(), IsValidLabelName(): the plain ones) are shown as they are; each other one
// in the way that the reader asked for (prometheus.io/docs/instrumenting/escaping_schemes).
// Where that text and the clients in Go and Java differ, this is as in the clients, since readers
// know a series by what they write: plain names keep their underscores with kDots, what is neither
// plain nor a dot becomes two underscores there, and kValues has small hexadecimal digits.
enum class Escaping {
  kUnderscores,  // each other character is an underscore
  kDots,         // _dot_ for a dot, two underscores for one
  kValues,       // U__ in front, the code point between underscores, two underscores for one
  kAllowUtf8,    // as it is, in quotes
};

// The word for it in the headers of a scrape: underscores, dots, values, allow-utf-8.
std::string_view EscapingName(Escaping escaping);
// The scheme of that word.
std::optional<Escaping> ParseEscaping(std::string_view word);

// What is not empty and well-formed UTF-8.
bool IsUtf8Name(std::string_view name);

// Appends the name as the scheme shows it; without quotes. With kAllowUtf8, and where the name is
// plain, it stays as it is. In a label's name a colon is not plain.
// REQUIRES: IsUtf8Name(name).
void AppendEscapedMetricName(std::string* out, std::string_view name, Escaping escaping);
void AppendEscapedLabelName(std::string* out, std::string_view name, Escaping escaping);

// The label that holds the state in a stateset of this name: the same name, with each colon of a
// plain one as an underscore, since labels cannot have it.
std::string StateLabelName(std::string_view family);

// Whether two different label names look the same to some reader.
bool LabelNamesCollide(std::string_view a, std::string_view b);

}  // namespace promplug
