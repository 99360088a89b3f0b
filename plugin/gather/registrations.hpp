// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/status.hpp"
#include "gather/callback.hpp"

namespace promplug {

// What the host registered, in the order of registration. Not thread-safe.
class Registrations {
 public:
  // Gives it a number, never 0. kExists: a collector of that name, this series, or its family with
  // another type or process mode is there.
  Result<uint64_t> Add(std::shared_ptr<Callback> callback);
  // Frees the name, too; null: there is none of that number.
  std::shared_ptr<Callback> Take(uint64_t id);
  // Whether a value of that family is there.
  bool HasValuesOf(const std::string& family) const { return values_.contains(family); }

  using Map = std::map<uint64_t, std::shared_ptr<Callback>>;
  const Map& all() const { return all_; }

 private:
  struct ValueFamily {
    MetricType type;
    ProcessMode process_mode;
    std::set<uint64_t> series;  // hashes of the label sets
  };

  Status AddValue(const ValueSeries& series);

  uint64_t last_id_ = 0;
  Map all_;
  std::set<std::string, std::less<>> collectors_;
  std::map<std::string, ValueFamily, std::less<>> values_;
};

}  // namespace promplug
