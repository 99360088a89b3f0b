// SPDX-License-Identifier: MIT
#include "gather/registrations.hpp"

#include <utility>

#include "base/text.hpp"
#include "metrics/labels.hpp"

namespace promplug {

Result<uint64_t> Registrations::Add(std::shared_ptr<Callback> callback) {
  if (callback->series != nullptr) {
    Status status = AddValue(*callback->series);
    if (!status.ok()) return status;
  } else if (!collectors_.insert(callback->name).second) {
    return Status(Code::kExists, "collector " + Quoted(callback->name) + " is registered");
  }
  callback->id = ++last_id_;
  const uint64_t id = callback->id;
  all_.emplace(id, std::move(callback));
  return id;
}

Status Registrations::AddValue(const ValueSeries& series) {
  ValueFamily& family =
      values_.try_emplace(series.name, ValueFamily{series.type, {}}).first->second;
  if (family.type != series.type) {
    return Status(Code::kExists, "value " + Quoted(series.name) + " is registered as another type");
  }
  if (!family.series.insert(HashLabelSet(series.labels)).second) {
    return Status(Code::kExists, "value " + Quoted(series.name + series.labels) + " is registered");
  }
  return Status();
}

std::shared_ptr<Callback> Registrations::Take(uint64_t id) {
  const auto found = all_.find(id);
  if (found == all_.end()) return nullptr;
  std::shared_ptr<Callback> callback = std::move(found->second);
  all_.erase(found);
  if (callback->series == nullptr) {
    collectors_.erase(callback->name);
    return callback;
  }
  const auto family = values_.find(callback->series->name);
  family->second.series.erase(HashLabelSet(callback->series->labels));
  if (family->second.series.empty()) values_.erase(family);
  return callback;
}

}  // namespace promplug
