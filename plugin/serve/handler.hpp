// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "base/clock.hpp"
#include "config/config.hpp"
#include "gather/gatherer.hpp"
#include "metrics/self_metrics.hpp"
#include "serve/scrape.hpp"

namespace promplug {

// A ScrapeHandler whose configuration can be replaced. Thread-safe; no call blocks.
//
// Begin() answers, on the configured path (or on any, where the request says so):
//   GET   200 with the exposition, compressed as the client likes, filtered by name[]; 503 with
//         Retry-After over max_requests_in_flight; 500 where memory is short before the head.
//   HEAD  200 with the same headers; nothing is gathered, no limit applies.
//   else  405 with Allow.
// The collectors' deadline is the configured (or requested) timeout, shortened by
// X-Prometheus-Scrape-Timeout-Seconds less a margin for the transport.
class MetricsHandler : public ScrapeHandler {
 public:
  // Holds for requests that begin after it.
  virtual void UpdateConfig(std::shared_ptr<const ScrapeConfig> config) = 0;
};

// `gatherer`, `self` (may be nullptr) and `clock` must outlive the handler and every Scrape that it
// made; a Scrape may outlive the handler. Each answer is reported to `self` once: with its status;
// with 500 where it broke off; with 499 where it was destroyed before its end. The time reported is
// from Begin() to the head, and what Read() took, without the waiting for a slow client.
std::unique_ptr<MetricsHandler> NewScrapeHandler(Gatherer& gatherer, SelfMetrics* self,
                                                 const Clock& clock,
                                                 std::shared_ptr<const ScrapeConfig> config);

}  // namespace promplug
