// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "metrics/labels.hpp"
#include "promplug/promplug.h"

namespace promplug::abi {

// The bytes of a string of the host; empty for a null pointer.
inline std::string_view View(const promplug_str& text) {
  if (text.ptr == nullptr) return {};
  return text.len == PROMPLUG_Z ? std::string_view(text.ptr) : std::string_view(text.ptr, text.len);
}

inline promplug_str Str(std::string_view text) { return {text.data(), text.size()}; }

// Room for label values that costs nothing until it is filled: a look-up needs few of them.
union LabelValues {
  LabelValues() {}
  std::string_view views[kMaxLabels];
};

// Copies n strings of the host to out[kMaxLabels]. kInvalid: too many, or a null array.
Status ReadViews(const promplug_str* from, size_t n, std::string_view* out);

// Copies n labels of the host to out[kMaxLabels]. kInvalid as above.
Status ReadLabels(const promplug_kv* from, size_t n, Label* out);

// The labels of a rendered block in the host's form; they are unescaped into `texts`, which must
// outlive the result. Both are cleared first.
void ToKvs(std::string_view rendered, std::vector<std::string>* texts,
           std::vector<promplug_kv>* out);

}  // namespace promplug::abi
