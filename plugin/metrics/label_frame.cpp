// SPDX-License-Identifier: MIT
#include "metrics/label_frame.hpp"

namespace promplug {

LabelFrame::LabelFrame(const FamilyShape& shape) : values_(shape.label_names.size()) {
  size_t gap = shape.const_labels.empty() ? 0 : shape.const_labels.size() + 1;
  for (const std::string& name : shape.label_names) {
    // A brace or comma, the name, equals sign and quote.
    gap += name.size() + 3;
    gaps_.push_back(gap);
    bytes_ += gap;
    // The quote behind the value.
    gap = 1;
  }
  bytes_ += gap == 0 ? 0 : gap + 1;
}

}  // namespace promplug
