// SPDX-License-Identifier: MIT
#include "gather/registrations.hpp"

#include <utility>
#include <vector>

#include "base/text.hpp"
#include "metrics/labels.hpp"

namespace promplug {

namespace {

// One for each way in which a reader may know the series.
std::vector<uint64_t> HashesOf(const ValueSeries& series) {
  std::vector<uint64_t> hashes = {HashLabelSet(series.labels)};
  if (!series.quoted_labels) return hashes;
  hashes.push_back(HashLabelSet(series.labels, Escaping::kDots));
  hashes.push_back(HashLabelSet(series.labels, Escaping::kValues));
  return hashes;
}

}  // namespace

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
      values_.try_emplace(series.name, ValueFamily{series.type, series.process_mode, {}})
          .first->second;
  if (family.type != series.type || family.process_mode != series.process_mode) {
    return Status(Code::kExists, "value " + Quoted(series.name) + " is registered with another " +
                                     (family.type != series.type ? "type" : "process mode"));
  }
  const std::vector<uint64_t> hashes = HashesOf(series);
  for (const uint64_t hash : hashes) {
    if (!family.series.contains(hash)) continue;
    return Status(Code::kExists, "value " + Quoted(series.name + series.labels) + " is registered");
  }
  family.series.insert(hashes.begin(), hashes.end());
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
  for (const uint64_t hash : HashesOf(*callback->series)) family->second.series.erase(hash);
  if (family->second.series.empty()) values_.erase(family);
  return callback;
}

}  // namespace promplug
