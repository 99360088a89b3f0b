// SPDX-License-Identifier: MIT
#include "exposition/sample_form.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#include "base/byte_block.hpp"
#include "exposition/text_reader_number.hpp"

namespace promplug {
namespace {

constexpr uint32_t kWholeBlock = (1u << kBlockBytes) - 1;

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

// The first byte for which `is_break` holds; nullptr: there is none as far as whole blocks go.
template <typename IsBreak>
const char* FindBreak(const char* p, const char* end, IsBreak is_break) {
  for (; end - p >= static_cast<ptrdiff_t>(kBlockBytes); p += kBlockBytes) {
    const uint32_t breaks = HighBits(is_break(LoadBlock(p)));
    if (breaks != 0) return p + std::countr_zero(breaks);
  }
  return nullptr;
}

ByteBlock BreaksLabelValue(ByteBlock block) {
  return IsByte(block, '"') | IsByte(block, '\\') | IsByte(block, '\n') | block;
}

ByteBlock BreaksValue(ByteBlock block) {
  return IsByte(block, '\n') | IsByte(block, ' ') | IsByte(block, '\t');
}

// Behind the `size` bytes at p, if they are those at `known`, whose last block can be read whole;
// nullptr: they are not, or are too close to `end` to tell.
const char* SkipKnown(const char* known, size_t size, const char* p, const char* end) {
  if (static_cast<size_t>(end - p) < size + kBlockBytes) return nullptr;
  const char* const known_end = p + size;
  const auto equal = [&] { return HighBits(ByteBlock(LoadBlock(p) == LoadBlock(known))); };
  for (; known_end - p > static_cast<ptrdiff_t>(kBlockBytes); p += kBlockBytes) {
    if (equal() != kWholeBlock) return nullptr;
    known += kBlockBytes;
  }
  const uint32_t behind = kWholeBlock << (known_end - p);
  return ((equal() | behind) & kWholeBlock) == kWholeBlock ? known_end : nullptr;
}

// The end of the number at p, which is that of its line; nullptr: it is not, or not seen.
const char* FindValueEnd(const char* p, const char* end) {
  if (end - p < static_cast<ptrdiff_t>(kBlockBytes)) return nullptr;
  const uint32_t digits = HighBits(IsBetween(LoadBlock(p), '0', '9'));
  const int count = std::countr_one(digits);
  // So few digits always fit a double.
  if (count > 0 && digits != kWholeBlock && p[count] == '\n') return p + count;
  const char* const value_end = FindBreak(p, end, BreaksValue);
  if (value_end == nullptr || *value_end != '\n') return nullptr;
  return IsTextFloat(Between(p, value_end)) ? value_end : nullptr;
}

}  // namespace

void SampleForm::Learn(std::string_view line, const TextLine& sample) {
  Forget();
  const std::span<const TextLabel> labels = sample.labels;
  const bool known = !labels.empty() && labels.size() <= kMaxLabels &&
                     sample.defect == TextLine::Defect::kNone &&
                     sample.name.data() == line.data() &&
                     sample.value.data() + sample.value.size() == line.data() + line.size();
  if (!known) return;
  const char* from = line.data();
  size_t used = 0;
  for (size_t i = 0; i <= labels.size(); ++i) {
    const bool is_label = i < labels.size();
    const std::string_view value = is_label ? labels[i].value : sample.value;
    Part& part = parts_[i];
    part.at = used;
    part.size = static_cast<size_t>(value.data() - from);
    if (is_label) {
      part.name_at = static_cast<size_t>(labels[i].name.data() - from);
      part.name_size = labels[i].name.size();
    }
    used += (part.size + kBlockBytes - 1) / kBlockBytes * kBlockBytes;
    if (used > text_.size()) return;
    std::memcpy(text_.data() + part.at, from, part.size);
    from = value.data() + value.size();
  }
  name_size_ = sample.name.size();
  label_count_ = labels.size();
}

size_t SampleForm::Read(std::string_view text, TextLabel* labels, TextLine* out) const {
  if (label_count_ == 0 || text.empty() || text[0] != text_[0]) return 0;
  const char* const end = text.data() + text.size();
  const char* p = text.data();
  const char* value = nullptr;
  for (size_t i = 0;; ++i) {
    const Part& part = parts_[i];
    value = SkipKnown(text_.data() + part.at, part.size, p, end);
    if (value == nullptr) return 0;
    if (i == label_count_) break;
    const char* const value_end = FindBreak(value, end, BreaksLabelValue);
    if (value_end == nullptr || *value_end != '"') return 0;
    labels[i].name = {p + part.name_at, part.name_size};
    labels[i].value = Between(value, value_end);
    p = value_end;
  }
  const char* const value_end = FindValueEnd(value, end);
  if (value_end == nullptr) return 0;
  out->kind = TextLine::Kind::kSample;
  out->name = text.substr(0, name_size_);
  out->labels = {labels, label_count_};
  out->value = Between(value, value_end);
  out->timestamp = {};
  out->defect = TextLine::Defect::kNone;
  return static_cast<size_t>(value_end - text.data());
}

}  // namespace promplug
