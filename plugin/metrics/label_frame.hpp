// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "metrics/hash.hpp"
#include "metrics/label_key.hpp"
#include "metrics/shape.hpp"

namespace promplug {

// What the rendered labels of all series of a family have in common: everything but the values.
class LabelFrame {
 public:
  // Throws std::bad_alloc.
  explicit LabelFrame(const FamilyShape& shape);

  // How many values there are between it.
  size_t values() const { return values_; }

  // Whether so many bytes of rendered labels, made of this frame and of values without escapes, are
  // those with the values of the key. REQUIRES: it has values() of them. [hot]
  [[gnu::always_inline]] bool Holds(const char* text, size_t bytes, const LabelKey& key) const {
    // So nothing is read beyond the text.
    if (bytes != bytes_ + key.bytes()) return false;
    const std::string_view* value = key.values();
    for (const size_t gap : gaps_) {
      const size_t n = value->size();
      text += gap;
      // A value of the text holds no quote. So where one of the key begins at the same place and
      // ends at a quote, it is not shorter; nor longer, since each behind it would have to begin
      // at a quote, too, hence not within a value of the text, and the last one would end too late.
      if (text[-1] != '"' || text[n] != '"' || !EqualBytes(text, value->data(), n)) return false;
      text += n;
      ++value;
    }
    return true;
  }

 private:
  size_t values_;
  // In front of each value, from the end of the one before.
  std::vector<size_t> gaps_;
  size_t bytes_ = 0;
};

}  // namespace promplug
