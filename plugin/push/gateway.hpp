// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "http/http_client.hpp"
#include "metrics/self_metrics.hpp"
#include "push/staged_body.hpp"

namespace promplug {

// What one push, or one attempt of it, came to.
struct PushOutcome {
  PushResult result = PushResult::kInternal;
  bool staged = false;     // there was a body to send
  bool cancelled = false;  // interrupted; says nothing about the gateway
  bool may_retry = false;  // the same body may be taken a little later
  int64_t retry_after_seconds = -1;
  std::vector<std::string> refused_families;
  uint64_t body_bytes = 0;
  std::string text;  // why, for a person, valid UTF-8, about 1 KiB at most; empty for kOk

  bool ok() const { return result == PushResult::kOk; }
};

// Talks to the Pushgateway about one group at a time. Used by one thread.
class Gateway {
 public:
  // Both must outlive the gateway.
  Gateway(const PushgatewayConfig& config, HttpClient* client) : config_(config), client_(client) {}

  // `group` is a path of GroupPath(). Blocks for at most `timeout`. Only a complete 200 or 202 is a
  // success; a redirect never is.
  PushOutcome Push(const std::string& group, StagedBody* body, Duration timeout);
  // Deletes the group with exactly these labels; one that is not there is a success, too.
  PushOutcome Delete(const std::string& group, Duration timeout);

 private:
  PushOutcome Perform(HttpRequest request, const std::string& group, Duration timeout);

  const PushgatewayConfig& config_;
  HttpClient* const client_;
};

}  // namespace promplug
