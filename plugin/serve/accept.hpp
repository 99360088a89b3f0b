// SPDX-License-Identifier: MIT
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "compress/compressor.hpp"
#include "exposition/stream.hpp"

namespace promplug {

// One element of an Accept or Accept-Encoding header (RFC 9110, section 12.5). The views point into
// the header.
struct AcceptItem {
  std::string_view value;       // "text/plain", "gzip"; neither empty nor with spaces around
  std::string_view parameters;  // ";version=0.0.4;q=0.5", to be read with FindParameter()
  int q = 1000;                 // thousandths; 0: not acceptable
};

// The elements in the order of the client. Those that are empty or whose q is not a number from
// 0 to 1 are left out.
std::vector<AcceptItem> ParseAccept(std::string_view header);

// The value of a parameter without its quotes (an escape inside them stays as it is); empty if
// there is none. Names are compared without regard to case.
std::string_view FindParameter(std::string_view parameters, std::string_view name);

// One representation that a server has, for Negotiate().
struct MediaRow {
  std::string_view type;        // "text/plain"
  std::string_view parameters;  // those that tell it from others: ";version=0.0.4"
  Format format;
  bool all_named = false;  // it is for clients only that name every parameter
};

// The row that the client likes best: each row gets the q of the most specific element that
// matches it (a parameter that the row has must be equal where the element names it); the highest
// q wins, then the element that comes first, then the row that comes first. nullptr: none is
// acceptable. Where there is one, *element is what matched it.
const MediaRow* Negotiate(std::string_view accept, std::span<const MediaRow> rows,
                          AcceptItem* element = nullptr);

// What the answer to a request with this Accept header (all of them joined by ',') looks like; the
// names in it as the element wants that matched, in its parameter `escaping`. Text 0.0.4 where the
// client takes nothing that there is: scrapers without an Accept header, or with a wrong one,
// expect it.
ExpositionForm NegotiateForm(std::string_view accept);

// The coding of an answer to a request with this Accept-Encoding header (all of them joined by
// ','). `offered` are codings that compress, in our order of preference. The highest q wins, then
// what comes first in `offered`; the identity wins only where its q is named and higher than those
// of all others, or no other is acceptable.
Coding NegotiateCoding(std::string_view accept_encoding, std::span<const Coding> offered);

}  // namespace promplug
