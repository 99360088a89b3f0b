// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "multiprocess/set_point.hpp"

namespace promplug {

// Families with their points as bytes, in files that processes of one set read from each other:
// what collectors said, and the totals of processes that are gone. Little-endian; the layout has a
// version of its own at the head of the file it stands in (part_layout.hpp).
class PartEncoder {
 public:
  // `out` must outlive this; bytes are appended.
  explicit PartEncoder(std::string* out) : out_(*out) {}

  void Family(const PartHead& head);
  // Of the family that was named last. Of exemplars those that are there; of a point only what its
  // type has.
  void Add(const PartPoint& point);
  // Nothing follows.
  void End();

 private:
  std::string& out_;
  MetricType type_ = MetricType::kUntyped;
  std::string shape_;      // of the point before
  std::string new_shape_;  // scratch
};

// Calls use(head, points) for each family. What it is given is valid until it returns; it need not
// read the points to the end. No bytes: no families. kInvalid: the bytes are cut, or are not what
// PartEncoder writes; the families and points before that place were used. Whatever the bytes are,
// nothing outside of them is read, no more memory is taken than a small multiple of their number,
// points keep to what Point says of numbers and sizes, and texts are UTF-8; that labels are well
// rendered is not looked at, beyond their braces.
Status DecodeParts(std::string_view bytes,
                   const std::function<void(const PartHead& head, PartPoints* points)>& use);
// Whether DecodeParts() would read all of it.
inline Status CheckParts(std::string_view bytes) {
  return DecodeParts(bytes, [](const PartHead&, PartPoints*) {});
}

}  // namespace promplug
