// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "metrics/hash.hpp"
#include "metrics/names.hpp"

namespace promplug {

// So many labels a series has at most, so that arrays of them fit on the stack.
inline constexpr size_t kMaxLabels = 64;

struct Label {
  std::string_view name;
  std::string_view value;
};

// Appends `value` as a label value of the text format: \ " and newline escaped.
void AppendEscapedLabelValue(std::string* out, std::string_view value);
// The inverse; `escaped` must come from AppendEscapedLabelValue.
void AppendUnescapedLabelValue(std::string* out, std::string_view escaped);
// Whether AppendEscapedLabelValue would write `value` like that. Allocates nothing.
bool IsEscapedAs(std::string_view value, std::string_view escaped);

// Appends a label name as it stands in the rendered form of Point::labels; whether it is quoted.
bool AppendRenderedName(std::string* out, std::string_view name);

// Appends labels in the rendered form of Point::labels: nothing for none. On kInvalid (a name that
// is not valid, reserved, or there twice, if only for some readers; a value that is not UTF-8)
// `out` is as before. *quoted becomes true where a name is quoted.
Status AppendRenderedLabels(std::string* out, const Label* labels, size_t n,
                            bool* quoted = nullptr);

// Whether a block that others wrote may be one in the rendered form: empty, or valid UTF-8 in
// braces. What is in them is not looked at; LabelReader keeps within them.
bool IsLabelBlock(std::string_view rendered);

// Walks the labels of a rendered block, in their order.
//   for (LabelReader reader(block); reader.Next();) {
//     use(reader.escaped_name(), reader.escaped_value());
//   }
class LabelReader {
 public:
  explicit LabelReader(std::string_view rendered);
  bool Next();
  // Without quotes; escaped like a value where it is quoted.
  std::string_view escaped_name() const { return name_; }
  bool is_quoted() const { return quoted_; }
  // Appends the name as the scheme shows it.
  void AppendShownName(std::string* out, Escaping escaping) const;
  std::string_view escaped_value() const { return value_; }

 private:
  std::string_view rest_;
  std::string_view name_;
  std::string_view value_;
  bool quoted_ = false;
};

// The same for two blocks whose labels, names as the scheme shows them, are the same in another
// order. Two different sets collide with the probability of a random 64-bit value, and nobody can
// choose such: it is another one in each process, but for those that are forked from it.
uint64_t HashLabelSet(std::string_view rendered, Escaping escaping = Escaping::kUnderscores);

}  // namespace promplug
