// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "metrics/hash.hpp"

namespace promplug {

struct Label {
  std::string_view name;
  std::string_view value;
};

// Appends `value` as a label value of the text format: \ " and newline escaped.
void AppendEscapedLabelValue(std::string* out, std::string_view value);
// The inverse; `escaped` must come from AppendEscapedLabelValue.
void AppendUnescapedLabelValue(std::string* out, std::string_view escaped);

// Appends labels in the rendered form of Point::labels: nothing for none. On kInvalid (a name that
// is not valid, reserved, or there twice; a value that is not UTF-8) `out` is as before.
Status AppendRenderedLabels(std::string* out, const Label* labels, size_t n);

// Walks the labels of a rendered block, in their order.
//   for (LabelReader reader(block); reader.Next();) use(reader.name(), reader.escaped_value());
class LabelReader {
 public:
  explicit LabelReader(std::string_view rendered);
  bool Next();
  std::string_view name() const { return name_; }
  std::string_view escaped_value() const { return value_; }

 private:
  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
};

// The same for two blocks whose labels are the same in another order. Two different sets collide
// with the probability of a random 64-bit value.
uint64_t HashLabelSet(std::string_view rendered);

}  // namespace promplug
