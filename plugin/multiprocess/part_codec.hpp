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
// version of its own at the head of the file it stands in.
class PartEncoder {
 public:
  // `out` must outlive this; bytes are appended.
  explicit PartEncoder(std::string* out) : out_(*out) {}

  void Family(const PartHead& head);
  // Of the family that was named last.
  void Add(const PartPoint& point);
  // Nothing follows.
  void End();

 private:
  std::string& out_;
};

// Calls use(head, points) for each family. What it is given is valid until it returns; it need not
// read the points to the end. kInvalid: the bytes are cut, or are not what PartEncoder writes; the
// families before that place were used. Whatever the bytes are, nothing outside of them is read,
// and no more memory is taken than a small multiple of their number.
Status DecodeParts(std::string_view bytes,
                   const std::function<void(const PartHead& head, PartPoints* points)>& use);

}  // namespace promplug
