// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/status.hpp"
#include "metrics/family.hpp"

namespace promplug {

// The families of instruments, by name. Thread-safe.
class Registry {
 public:
  // `clock` must outlive the registry.
  explicit Registry(const Clock& clock);
  ~Registry();
  Registry(const Registry&) = delete;
  Registry& operator=(const Registry&) = delete;

  // The family of that name, made if need be; it lives as long as the registry. kInvalid: the
  // description is not valid. kExists: the name has another shape, or one of its sample names is
  // taken.
  Result<Family*> FindOrMake(const FamilyDescription& description);

  // Sorted by name.
  std::vector<Family*> Families() const;

  // The limit for families that name none; new series only.
  void SetDefaultMaxSeries(uint32_t max_series);

  // Spreads hot cells over CPUs and gives back the memory of removed series. One thread at a time,
  // a few times a second; cheap when there is nothing to do.
  void Maintain();

  // In a fork child: every value starts again from zero.
  void ResetValues();

  uint64_t LiveSeries() const;
  uint64_t RefusedSeries() const;
  uint64_t IgnoredUpdates() const;

 private:
  Status CheckSampleNames(const FamilyDescription& description) const;

  const Clock& clock_;
  FamilyContext context_;
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;  // guarded by mutex_
};

}  // namespace promplug
