// SPDX-License-Identifier: MIT
#include "metrics/registry.hpp"

#include <unistd.h>

#include <algorithm>

#include "base/text.hpp"
#include "metrics/hash_seed.hpp"

namespace promplug {

Registry::Registry(const Clock& clock, void* owner, MetricMemory& memory) {
  context_.owner = owner;
  context_.clock = &clock;
  context_.hot = &hot_;
  context_.sections = &sections_;
  context_.memory = &memory;
  context_.hash_seed = RandomSeed();
  const long cpus = ::sysconf(_SC_NPROCESSORS_CONF);
  context_.cpus = cpus > 0 ? static_cast<uint32_t>(cpus) : 1;
}

// What waits to be freed belongs to families.
Registry::~Registry() {
  sections_.FreeAll();
  context_.detached.FreeAll(*context_.memory);
}

Result<Family*> Registry::FindOrMake(const FamilyDescription& description) {
  Result<FamilyShape> shape = FamilyShape::FromDescription(description);
  if (!shape.ok()) return shape.status();
  std::lock_guard lock(mutex_);
  const auto found = families_.find(description.name);
  if (found != families_.end()) {
    std::string why;
    if (found->second->shape().SameAs(shape.value(), &why)) return found->second.get();
    return Status(Code::kExists,
                  "family " + Quoted(description.name) + " exists and differs in its " + why);
  }
  const std::vector<std::string> names = shape.value().SampleNames();
  for (const std::string& name : names) {
    const auto taken = sample_names_.find(name);
    if (taken == sample_names_.end()) continue;
    return Status(Code::kExists, "family " + Quoted(description.name) + " would write " +
                                     Quoted(name) + ", as the family " +
                                     Quoted(taken->second->shape().name) + " does");
  }
  auto family = std::make_unique<Family>(std::move(shape).value(), &context_);
  Family* made = family.get();
  families_.emplace(made->shape().name, std::move(family));
  for (const std::string& name : names) sample_names_.emplace(name, made);
  return made;
}

std::vector<Family*> Registry::Families() const {
  std::lock_guard lock(mutex_);
  std::vector<Family*> families;
  families.reserve(families_.size());
  for (const auto& [name, family] : families_) families.push_back(family.get());
  return families;
}

void Registry::SetDefaultMaxSeries(uint32_t max_series) {
  context_.default_max_series.store(max_series, std::memory_order_relaxed);
}

void Registry::Maintain() {
  std::vector<Series*> reported;
  for (uint32_t i = 0; i < HotList::kSize; ++i) {
    if (Series* series = hot_.Take(i)) reported.push_back(series);
  }
  std::sort(reported.begin(), reported.end());
  reported.erase(std::unique(reported.begin(), reported.end()), reported.end());
  for (Series* series : reported) {
    if (std::binary_search(warm_.begin(), warm_.end(), series)) series->family()->Promote(series);
  }
  // Reports name series that may be gone since; their blocks stay readable, and a block that was
  // used again in between is promoted too early at worst.
  warm_ = std::move(reported);
  idle_sweep_.Run(context_.clock->Now(), [this] { return Families(); });
  context_.detached.Retire(&sections_, *context_.memory);
  sections_.Advance();
  context_.memory->MakeRoom();
  if (context_.native_due.exchange(false, std::memory_order_acquire)) {
    for (Family* family : Families()) family->MaintainNative();
  }
}

void Registry::LockForFork() {
  mutex_.lock();
  for (const auto& [name, family] : families_) family->LockForFork();
  context_.detached.LockForFork();
  sections_.LockForFork();
}

void Registry::UnlockAfterFork() {
  sections_.UnlockAfterFork();
  context_.detached.UnlockAfterFork();
  for (const auto& [name, family] : families_) family->UnlockAfterFork();
  mutex_.unlock();
}

void Registry::ResetValues() {
  sections_.ForgetReaders();
  context_.refused_series.store(0, std::memory_order_relaxed);
  context_.ignored_updates.store(0, std::memory_order_relaxed);
  context_.dropped_exemplars.store(0, std::memory_order_relaxed);
  context_.expired_series.store(0, std::memory_order_relaxed);
  for (Family* family : Families()) family->ResetValues();
}

}  // namespace promplug
