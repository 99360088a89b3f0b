// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "metrics/registry.hpp"

namespace promplug {

// What became of one push.
enum class PushResult { kOk, kRefused, kUnreachable, kTimeout, kInternal };
std::string_view PushResultName(PushResult result);

// The target of pushes of what the host says; other targets are jobs of forwarded exporters.
inline constexpr std::string_view kApplicationTarget = "application";

// What the plugin says about itself (promplug_*), in a registry of its own, so that it can be left
// out. Thread-safe, never blocks. What there is no memory for is not counted.
class SelfMetrics {
 public:
  // `clock` must outlive it. `version` is that of the plugin.
  SelfMetrics(const Clock& clock, std::string_view version);

  // Plain counts for the status call of the ABI.
  struct Counts {
    std::atomic<uint64_t> scrapes{0}, scrapes_refused{0};
    std::atomic<uint64_t> pushes_ok{0}, pushes_failed{0};
    std::atomic<uint64_t> forwards_ok{0}, forwards_failed{0}, forwards_skipped{0};
    std::atomic<uint64_t> collector_failures{0}, collector_timeouts{0};
    std::atomic<uint64_t> series_refused{0};
    std::atomic<int64_t> last_scrape_unix_ms{0}, last_push_unix_ms{0}, last_push_ok_unix_ms{0};
    std::atomic<bool> push_failing{false}, forward_failing{false};
  };

  // One answer of /metrics: its status code and how long it took to make.
  void Scraped(int http_status, Duration took);
  void ScrapeRefused();  // over the limit in flight; call Scraped(503) too
  void ScrapesInFlight(int64_t change);

  // One push to the Pushgateway. `target` is "application" or the job of a forwarded exporter.
  void Pushed(std::string_view target, PushResult result, Duration took, uint64_t body_bytes);
  // How many families are held back from `target` because the Pushgateway refuses them.
  void Quarantined(std::string_view target, uint64_t families);

  // A forwarded exporter answered with a whole, valid exposition, or did not.
  void ForwardUp(std::string_view job, bool up);
  void ForwardSkipped(std::string_view job);  // nothing listens there
  // Series of an exporter that were left out: reason is "duplicate", "invalid" or "type".
  void ForwardSeriesDropped(std::string_view job, std::string_view reason, uint64_t n);

  // One run of a collector. reason is "error", "exception", "timeout", "too_large" or "busy"
  // (still inside an earlier run); empty: it succeeded.
  void Collected(std::string_view collector, std::string_view failure_reason, Duration took);
  void CollectorGone(std::string_view collector);

  // A family or series of a source that was left out of an exposition: reason is "type", "help"
  // (kept, but its help gave way), "duplicate", "name" or "invalid".
  void SeriesRefused(std::string_view reason, uint64_t n = 1);

  // What instruments refused, which the status call counts by itself: reason is "limit", "labels"
  // or "memory".
  void InstrumentsRefused(std::string_view reason, uint64_t n);

  // Other pushes than before from now on: none of them has failed yet.
  void PushesChanged();

  // In a fork child: everything counts from zero again.
  void ResetAfterFork();

  Registry& registry() { return registry_; }
  const Counts& counts() const { return counts_; }

 private:
  Family* Make(MetricType type, std::string_view name, std::string_view help,
               std::initializer_list<std::string_view> labels);

  const Clock& clock_;
  Registry registry_;
  Counts counts_;
  Family* scrapes_;
  Family* scrape_duration_;
  Family* scrapes_in_flight_;
  Family* pushes_;
  Family* push_duration_;
  Family* push_bytes_;
  Family* push_last_success_;
  Family* quarantined_;
  Family* forward_up_;
  Family* forward_skipped_;
  Family* forward_dropped_;
  Family* collector_up_;
  Family* collector_duration_;
  Family* collector_failures_;
  Family* refused_;
  std::mutex mutex_;
  // Targets whose last push failed. Guarded by mutex_.
  std::set<std::string, std::less<>> failing_forwards_;
};

}  // namespace promplug
