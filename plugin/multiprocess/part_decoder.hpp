// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "multiprocess/part_layout.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// Takes what PartEncoder wrote from the front of some bytes, and never more than there is: what
// cannot be taken is false, and whether anything failed is remembered.
class PartBytes {
 public:
  explicit PartBytes(std::string_view bytes) : left_(bytes) {}

  bool ok() const { return ok_; }
  size_t left() const { return left_.size(); }
  bool Fail() {
    ok_ = false;
    left_ = {};
    return false;
  }

  template <typename T>
  bool Take(T* value) {
    if (left_.size() < sizeof(T)) return Fail();
    std::memcpy(value, left_.data(), sizeof(T));
    left_.remove_prefix(sizeof(T));
    return true;
  }
  bool TakeText(std::string_view* text) {
    uint32_t n = 0;
    if (!Take(&n) || n > left_.size()) return Fail();
    *text = left_.substr(0, n);
    left_.remove_prefix(n);
    return true;
  }
  // Of n elements; room is made only for what is there.
  template <typename T>
  bool TakeArray(size_t n, std::vector<T>* values) {
    if (n > left_.size() / sizeof(T)) return Fail();
    values->resize(n);
    if (n != 0) std::memcpy(values->data(), left_.data(), n * sizeof(T));
    left_.remove_prefix(n * sizeof(T));
    return true;
  }
  // A length of elements of at least so many bytes each.
  bool TakeSize(size_t bytes_each, uint32_t* n) {
    return Take(n) && *n <= left_.size() / bytes_each ? true : Fail();
  }

 private:
  std::string_view left_;
  bool ok_ = true;
};

// The points of one family, out of `bytes`, until those begin with another tag or fail.
class DecodedPoints final : public PartPoints {
 public:
  DecodedPoints(PartBytes* bytes, MetricType type) : bytes_(*bytes), type_(type) {}

  bool Next(PartPoint* out) override;
  // What stands behind the points.
  PartTag next_tag() const { return tag_; }
  // To be called before the first Next().
  bool TakeTag();

 private:
  struct Side {
    std::vector<int32_t> offsets;
    std::vector<uint32_t> lengths;
    std::vector<uint64_t> counts;
  };

  bool TakePoint(PartPoint* out);
  bool TakeShape();
  bool TakeStates(size_t n);
  bool TakeNumber(Point* point);
  bool TakeHistogram(Point* point);
  bool TakeNative(Point* point);
  bool TakeSide(int32_t schema, Side* side);
  bool TakeSummary(PartPoint* out);
  bool TakeWindow(PartPoint* out);
  bool TakeExemplars(Point* point);
  bool Has(uint16_t flag) const { return (flags_ & flag) != 0; }

  PartBytes& bytes_;
  const MetricType type_;
  PartTag tag_ = PartTag::kEnd;
  uint16_t flags_ = 0;
  bool has_shape_ = false;
  std::vector<double> shape_;  // bounds or quantiles
  std::vector<std::string_view> states_;
  // Of the point that was given last.
  std::vector<uint64_t> counts_;
  std::vector<double> quantile_values_;
  std::vector<SketchBucket> window_;
  std::vector<Exemplar> exemplars_;
  NativeHistogram native_;
  Side positive_;
  Side negative_;
};

}  // namespace promplug
