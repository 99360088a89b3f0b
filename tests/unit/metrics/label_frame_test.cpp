// SPDX-License-Identifier: MIT
#include "metrics/label_frame.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace promplug {
namespace {

using Texts = std::vector<std::string>;

FamilyShape ShapeOf(Texts names, std::string const_labels = {}) {
  FamilyShape shape;
  shape.label_names = std::move(names);
  shape.const_labels = std::move(const_labels);
  return shape;
}

// As a family renders them.
std::string Rendered(const FamilyShape& shape, const Texts& values) {
  if (values.empty() && shape.const_labels.empty()) return {};
  std::string text = "{" + shape.const_labels;
  for (size_t i = 0; i < values.size(); ++i) {
    if (text.size() > 1) text += ',';
    text += shape.label_names[i] + "=\"" + values[i] + '"';
  }
  return text + '}';
}

// On the heap and to the byte, so that a read beyond the end is seen by a sanitizer.
bool Holds(const LabelFrame& frame, const std::string& text, const Texts& values) {
  const std::vector<char> bytes(text.begin(), text.end());
  const LabelKey key(1, values.size(), [&](size_t i) { return std::string_view(values[i]); });
  return frame.Holds(bytes.data(), bytes.size(), key);
}

// All ways to fill `frame` with pieces of the text itself: whoever finds what is taken for other
// values finds it there. Adds to *held those that are taken.
void TryPieces(const LabelFrame& frame, const FamilyShape& shape, const std::string& text,
               size_t at, size_t left, Texts* values, std::vector<Texts>* held) {
  const size_t i = values->size();
  const size_t before = i == 0 && shape.const_labels.empty() ? 0 : 1;
  at += shape.label_names[i].size() + 3 + before;
  const bool is_last = i + 1 == shape.label_names.size();
  for (size_t n = is_last ? left : 0; n <= left; ++n) {
    values->push_back(text.substr(at, n));
    if (!is_last) TryPieces(frame, shape, text, at + n, left - n, values, held);
    if (is_last && Holds(frame, text, *values)) held->push_back(*values);
    values->pop_back();
  }
}

TEST(LabelFrameTest, TakesNoOtherPiecesOfATextForItsValues) {
  const std::vector<FamilyShape> shapes = {
      ShapeOf({"a", "b", "c"}), ShapeOf({"a", "b", "c"}, "z=\"1\",y=\"\""),
      ShapeOf({"\"\"", "\"b\"", "\",\""}), ShapeOf({"\"=\"", "b", "\",b=\""}, "\"z\"=\"1\"")};
  const std::vector<Texts> sets = {{"x", "12345678", "y"}, {"", "", ""},
                                   {"x", "1234", "12345"}, {"====", ",,,,,", "b=,b="},
                                   {"", "=,=,=,=,=", ""},  {"a=,b=,c=", "", "1"},
                                   {"1", "2", "34567890"}, {",b=", ",c=", ",a="}};
  for (const FamilyShape& shape : shapes) {
    const LabelFrame frame(shape);
    for (const Texts& values : sets) {
      const std::string text = Rendered(shape, values);
      const size_t bytes = values[0].size() + values[1].size() + values[2].size();
      std::vector<Texts> held;
      Texts pieces;
      TryPieces(frame, shape, text, shape.const_labels.size(), bytes, &pieces, &held);
      EXPECT_EQ(held, std::vector<Texts>{values}) << text;
    }
  }
}

TEST(LabelFrameTest, EveryByteCounts) {
  const FamilyShape shape = ShapeOf({"a", "b"});
  const LabelFrame frame(shape);
  EXPECT_EQ(frame.values(), 2u);
  for (size_t n = 0; n <= 40; ++n) {
    const Texts values = {std::string(n, 'x'), std::string(n / 2, 'y')};
    const std::string text = Rendered(shape, values);
    EXPECT_TRUE(Holds(frame, text, values)) << n;
    EXPECT_FALSE(Holds(frame, text, {values[0] + "x", values[1]})) << n;
    EXPECT_FALSE(Holds(frame, text, {values[0], values[1] + '"'})) << n;
    for (size_t i = 0; i < n; ++i) {
      Texts other = values;
      other[0][i] ^= 1;
      EXPECT_FALSE(Holds(frame, text, other)) << i << " of " << n;
    }
  }
}

TEST(LabelFrameTest, MayHaveNoValues) {
  const LabelFrame nothing((FamilyShape()));
  EXPECT_EQ(nothing.values(), 0u);
  EXPECT_TRUE(Holds(nothing, "", {}));
  const FamilyShape shape = ShapeOf({}, "z=\"1\"");
  EXPECT_TRUE(Holds(LabelFrame(shape), Rendered(shape, {}), {}));
}

}  // namespace
}  // namespace promplug
