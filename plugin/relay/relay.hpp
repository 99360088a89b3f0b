// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/log.hpp"
#include "config/config.hpp"
#include "http/http_client.hpp"
#include "metrics/self_metrics.hpp"

namespace promplug {

// What one reading of a local exporter came to.
struct RelayOutcome {
  enum class Kind {
    kClean,   // everything that `out` was given is one whole, valid exposition
    kAbsent,  // nothing listens there: connection refused
    kFailed,  // not a whole, valid 200 exposition; what `out` was given must not be used
  };
  Kind kind = Kind::kFailed;
  std::string text;          // why, for a person; empty for kClean
  bool families_left = true; // kClean: whether any family is left after dropping
};

// Reads one local exporter and cleans what it says, so that the Pushgateway takes it whole.
// Used by one thread.
class Relay {
 public:
  virtual ~Relay() = default;
  // Reads once. `exclude` names families to leave out besides the configured ones. `out` receives
  // the clean text, in the order of the exporter; it returns false to give up (kFailed).
  virtual RelayOutcome Read(const std::set<std::string>& exclude, Duration timeout,
                            const std::function<bool(std::string_view)>& out) = 0;
};

// `client` and `self` (may be nullptr) must outlive the relay.
std::unique_ptr<Relay> NewRelay(const ForwardConfig& config, HttpClient* client, SelfMetrics* self);

}  // namespace promplug
