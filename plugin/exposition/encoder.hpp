// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "exposition/output_buffer.hpp"
#include "metrics/point.hpp"

namespace promplug {

// One exposition format. The stream calls, for each family that has points, BeginFamily(),
// AppendPoints() until all are taken, EndFamily(); and after the last family End(). Used by one
// thread at a time; never blocks. A format allocates at most per family, where a series is longer
// than all before it, and for what it holds of a family; never per line. std::bad_alloc ends the
// stream.
class Encoder {
 public:
  virtual ~Encoder() = default;

  // `head` stays valid until EndFamily().
  virtual void BeginFamily(const FamilyHead& head) = 0;

  // Writes points in their order and returns how many of them are finished: fewer than `n` when
  // `out` is full. A point that is cut in the middle is not finished; the next call begins with
  // the same point and goes on where this one left off.
  virtual size_t AppendPoints(const Point* points, size_t n, OutputBuffer* out) = 0;

  // What follows the points of a family, or all families. false: `out` is full, call again.
  virtual bool EndFamily(OutputBuffer* out) = 0;
  virtual bool End(OutputBuffer* out) = 0;
};

}  // namespace promplug
