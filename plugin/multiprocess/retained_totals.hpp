// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "multiprocess/remarks.hpp"
#include "multiprocess/retained.hpp"
#include "multiprocess/set_directory.hpp"

namespace promplug {

// The totals of processes that are gone, as this process has read them last. A file that cannot be
// used (damaged, of another layout, of another user) is one without totals: a scrape of what lives
// is worth more than none. That is said when it begins. One thread at a time; says what it has to
// say to `remarks`.
class RetainedTotals {
 public:
  // Both have to outlive this.
  RetainedTotals(const SetDirectory& directory, Remarks& remarks)
      : directory_(directory), remarks_(remarks) {}

  // Reads the file, if it is another one than the last time. kIo.
  Status Refresh();
  // As of the last Refresh(); what its families say was looked through.
  const Retained& value() const { return value_; }
  bool usable() const { return usable_; }
  // Whether the file is still the one that was read.
  Result<bool> Unchanged() const;

  // Gives a file that cannot be used another name, and puts one without totals in its place, whose
  // generation no file of this set has had. REQUIRES: set.lock is held, usable() is false. kIo.
  Status SetAside(const Clock& clock);

 private:
  Result<uint64_t> Generation() const;
  Result<Retained> ReadFile() const;
  void TakeUnusable(uint64_t generation, const Status& why);

  const SetDirectory& directory_;
  Remarks& remarks_;
  bool was_read_ = false;
  bool usable_ = true;
  Retained value_;
};

}  // namespace promplug
