// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "gather/callback.hpp"
#include "metrics/point.hpp"

namespace promplug {

// The values of one family in one gather.
class ValueFamily {
 public:
  // `labels` must outlive this.
  void Add(std::string_view labels, const CallbackOutput& output) {
    Point& point = points_.emplace_back();
    point.labels = labels;
    point.is_integer = output.is_integer;
    point.integer = output.integer;
    point.value = output.value;
  }

  // This must outlive the source.
  std::unique_ptr<PointSource> Read() const { return std::make_unique<Reader>(points_); }

 private:
  class Reader final : public PointSource {
   public:
    explicit Reader(const std::vector<Point>& points) : points_(points) {}
    size_t Next(Point* out, size_t max) override {
      const size_t n = std::min(max, points_.size() - next_);
      std::copy_n(points_.begin() + static_cast<std::ptrdiff_t>(next_), n, out);
      next_ += n;
      return n;
    }

   private:
    const std::vector<Point>& points_;
    size_t next_ = 0;
  };

  std::vector<Point> points_;
};

}  // namespace promplug
