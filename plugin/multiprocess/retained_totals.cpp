// SPDX-License-Identifier: MIT
#include "multiprocess/retained_totals.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "multiprocess/part_codec.hpp"

namespace promplug {
namespace {

// Of a file whose head does not say one.
constexpr uint64_t kUnknownGeneration = std::numeric_limits<uint64_t>::max();

// Not so for an error of the system, which may be gone at the next try.
bool IsUnusable(const Status& status) {
  return status.code() == Code::kInvalid || status.code() == Code::kVersion;
}

}  // namespace

Result<uint64_t> RetainedTotals::Generation() const {
  Result<uint64_t> read = directory_.RetainedGeneration();
  if (IsUnusable(read.status())) return kUnknownGeneration;
  return read;
}

Result<Retained> RetainedTotals::ReadFile() const {
  Result<std::optional<Retained>> read = directory_.ReadRetained();
  if (!read.ok()) return read.status();
  Retained retained = std::move(read).value().value_or(Retained());
  Status status = CheckParts(retained.families);
  if (!status.ok()) return status;
  return retained;
}

Status RetainedTotals::Refresh() {
  const Result<uint64_t> generation = Generation();
  if (!generation.ok()) return generation.status();
  if (was_read_ && generation.value() == value_.generation) return Status();
  Result<Retained> read = ReadFile();
  if (read.ok()) {
    value_ = std::move(read).value();
    usable_ = true;
  } else if (IsUnusable(read.status())) {
    TakeUnusable(generation.value(), read.status());
  } else {
    return read.status();
  }
  was_read_ = true;
  return Status();
}

void RetainedTotals::TakeUnusable(uint64_t generation, const Status& why) {
  if (usable_) {
    remarks_.Add(LogLevel::kError, "multiprocess.dir: " + directory_.path() +
                                       "/retained cannot be used: " + why.text() +
                                       "; what processes that are gone have counted is missing");
  }
  value_ = Retained();
  value_.generation = generation;
  usable_ = false;
}

Result<bool> RetainedTotals::Unchanged() const {
  const Result<uint64_t> generation = Generation();
  if (!generation.ok()) return generation.status();
  return generation.value() == value_.generation;
}

Status RetainedTotals::SetAside(const Clock& clock) {
  Retained none;
  // There is one fold a second at most, and one more for each: far behind the milliseconds.
  none.generation = static_cast<uint64_t>(clock.UnixMillis());
  Status status = directory_.SetRetainedAside();
  if (status.ok()) status = directory_.CommitRetained(none);
  if (!status.ok()) return status;
  remarks_.Add(LogLevel::kError, "multiprocess.dir: " + directory_.path() +
                                     "/retained, which cannot be used, is called " +
                                     SetDirectory::kRetainedAside +
                                     " now; the totals begin without it");
  value_ = std::move(none);
  usable_ = true;
  return Status();
}

}  // namespace promplug
