// SPDX-License-Identifier: MIT
#include "multiprocess/fold.hpp"

#include "base/text.hpp"
#include "multiprocess/part_codec.hpp"

namespace promplug {
namespace {

// Of a process that is gone since, the series is as new.
bool IsExpired(const PartHead& head, const PartPoint& part, const FoldOptions& options) {
  int64_t last = 0;  // when what was touched then is too old
  if (options.expiry_ms <= 0 || part.touched_ms == 0 ||
      __builtin_sub_overflow(options.now_ms, options.expiry_ms, &last) || part.touched_ms >= last) {
    return false;
  }
  return options.live == nullptr || !options.live->HasLive(head, part.point.labels);
}

}  // namespace

std::string FoldFamilies(const SetMerge& gone, const FoldOptions& options,
                         const SetMerge::Refuse& refuse) {
  std::string bytes;
  PartEncoder encoder(&bytes);
  for (size_t i = 0; i < gone.n_families(); ++i) {
    const PartHead& head = gone.Head(i);
    const auto points = gone.ReadParts(i);
    size_t n = 0;
    for (PartPoint part; points->Next(&part);) {
      if (IsExpired(head, part, options)) continue;
      if (n != 0 && n == options.max_series) {
        refuse("limit", head.head.name,
               "of the totals of processes that are gone no more than " + std::to_string(n) +
                   " series of family " + Quoted(head.head.name) + " are kept");
        break;
      }
      if (n++ == 0) encoder.Family(head);
      // Its observations grow old with nobody there to drop them.
      part.n_window = 0;
      if (part.touched_ms == 0) part.touched_ms = options.now_ms;
      encoder.Add(part);
    }
  }
  if (!bytes.empty()) encoder.End();
  return bytes;
}

}  // namespace promplug
