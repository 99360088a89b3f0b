// SPDX-License-Identifier: MIT
#include "metrics/self_metrics.hpp"

#include <array>
#include <new>

namespace promplug {
namespace {

template <size_t N>
Series* Pinned(Family* family, const std::array<std::string_view, N>& values) {
  Series* series = nullptr;
  (void)family->FindOrMake(values.data(), N, &series);
  return series;
}

// What is counted about the plugin is best effort: a series over the limit, or that there is no
// memory for, counts for nothing.
template <size_t N>
void Apply(Family* family, const std::array<std::string_view, N>& values, UpdateOp op,
           double value) try {
  (void)family->Update(values.data(), N, op, value);
} catch (const std::bad_alloc&) {
}

template <size_t N>
void RemoveSeries(Family* family, const std::array<std::string_view, N>& values) try {
  Series* series = Pinned(family, values);
  family->Remove(series);
  family->Unpin(series);
} catch (const std::bad_alloc&) {
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::string_view PushResultName(PushResult result) {
  switch (result) {
    case PushResult::kOk:
      return "ok";
    case PushResult::kRefused:
      return "refused";
    case PushResult::kUnreachable:
      return "unreachable";
    case PushResult::kTimeout:
      return "timeout";
    case PushResult::kInternal:
      return "internal";
  }
  return "internal";
}

SelfMetrics::SelfMetrics(const Clock& clock, std::string_view version)
    : clock_(clock), registry_(clock) {
  using T = MetricType;
  Family* build = Make(T::kInfo, "promplug_build_info", "Version of the plugin.", {"version"});
  (void)Pinned<1>(build, {version});
  scrapes_ = Make(T::kCounter, "promplug_scrapes_total",
                  "Answers to requests for metrics, by HTTP status code.", {"code"});
  scrape_duration_ = Make(T::kHistogram, "promplug_scrape_duration_seconds",
                          "Time from a request for metrics to the end of the answer.", {});
  scrapes_in_flight_ = Make(T::kGauge, "promplug_scrapes_in_flight",
                            "Requests for metrics that are being answered.", {});
  pushes_ = Make(T::kCounter, "promplug_pushes_total",
                 "Pushes to the Pushgateway, by target and result.", {"target", "result"});
  push_duration_ = Make(T::kGauge, "promplug_push_duration_seconds",
                        "Duration of the last push, its retries included.", {"target"});
  push_bytes_ = Make(T::kGauge, "promplug_push_body_bytes",
                     "Size of the last body pushed, as sent.", {"target"});
  push_last_success_ = Make(T::kGauge, "promplug_push_last_success_timestamp_seconds",
                            "Time of the last push that succeeded.", {"target"});
  quarantined_ = Make(T::kGauge, "promplug_push_quarantined_families",
                      "Families held back because the Pushgateway refuses them.", {"target"});
  forward_up_ =
      Make(T::kGauge, "promplug_forward_up",
           "Whether the forwarded exporter gave a whole, valid answer last time.", {"exporter"});
  forward_skipped_ = Make(T::kCounter, "promplug_forward_skipped_total",
                          "Readings skipped because no exporter listens.", {"exporter"});
  forward_dropped_ =
      Make(T::kCounter, "promplug_forward_series_dropped_total",
           "Series of a forwarded exporter that were left out.", {"exporter", "reason"});
  collector_up_ = Make(T::kGauge, "promplug_collector_up",
                       "Whether the last run of the collector succeeded.", {"collector"});
  collector_duration_ = Make(T::kGauge, "promplug_collector_duration_seconds",
                             "Duration of the last run of the collector.", {"collector"});
  collector_failures_ =
      Make(T::kCounter, "promplug_collector_failures_total",
           "Runs of the collector whose output was dropped.", {"collector", "reason"});
  refused_ = Make(T::kCounter, "promplug_series_refused_total",
                  "Families and series that were left out or changed.", {"reason"});
}

Family* SelfMetrics::Make(MetricType type, std::string_view name, std::string_view help,
                          std::initializer_list<std::string_view> labels) {
  FamilyDescription description;
  description.type = type;
  description.name = name;
  description.help = help;
  description.label_names = labels;
  Result<Family*> family = registry_.FindOrMake(description);
  return family.value();
}

void SelfMetrics::Scraped(int http_status, Duration took) {
  Apply<1>(scrapes_, {std::to_string(http_status)}, UpdateOp::kAdd, 1);
  Apply<0>(scrape_duration_, {}, UpdateOp::kObserve, Seconds(took));
  counts_.scrapes.fetch_add(1, std::memory_order_relaxed);
  counts_.last_scrape_unix_ms.store(clock_.UnixMillis(), std::memory_order_relaxed);
}

void SelfMetrics::ScrapeRefused() {
  counts_.scrapes_refused.fetch_add(1, std::memory_order_relaxed);
}

void SelfMetrics::ScrapesInFlight(int64_t change) {
  Apply<0>(scrapes_in_flight_, {}, UpdateOp::kAdd, static_cast<double>(change));
}

void SelfMetrics::Pushed(std::string_view target, PushResult result, Duration took,
                         uint64_t body_bytes) {
  const bool ok = result == PushResult::kOk;
  const int64_t now_ms = clock_.UnixMillis();
  Apply<2>(pushes_, {target, PushResultName(result)}, UpdateOp::kAdd, 1);
  Apply<1>(push_duration_, {target}, UpdateOp::kSet, Seconds(took));
  Apply<1>(push_bytes_, {target}, UpdateOp::kSet, static_cast<double>(body_bytes));
  if (ok) {
    Apply<1>(push_last_success_, {target}, UpdateOp::kSet, static_cast<double>(now_ms) / 1000);
  }
  if (target == kApplicationTarget) {
    (ok ? counts_.pushes_ok : counts_.pushes_failed).fetch_add(1, std::memory_order_relaxed);
    counts_.push_failing.store(!ok, std::memory_order_relaxed);
    counts_.last_push_unix_ms.store(now_ms, std::memory_order_relaxed);
    if (ok) counts_.last_push_ok_unix_ms.store(now_ms, std::memory_order_relaxed);
  } else {
    (ok ? counts_.forwards_ok : counts_.forwards_failed).fetch_add(1, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    if (ok) {
      failing_forwards_.erase(std::string(target));
    } else {
      failing_forwards_.emplace(target);
    }
    counts_.forward_failing.store(!failing_forwards_.empty(), std::memory_order_relaxed);
  }
}

void SelfMetrics::Quarantined(std::string_view target, uint64_t families) {
  Apply<1>(quarantined_, {target}, UpdateOp::kSet, static_cast<double>(families));
}

void SelfMetrics::ForwardUp(std::string_view job, bool up) {
  Apply<1>(forward_up_, {job}, UpdateOp::kSet, up ? 1 : 0);
}

void SelfMetrics::ForwardSkipped(std::string_view job) {
  Apply<1>(forward_skipped_, {job}, UpdateOp::kAdd, 1);
  counts_.forwards_skipped.fetch_add(1, std::memory_order_relaxed);
}

void SelfMetrics::ForwardSeriesDropped(std::string_view job, std::string_view reason, uint64_t n) {
  Apply<2>(forward_dropped_, {job, reason}, UpdateOp::kAdd, static_cast<double>(n));
}

void SelfMetrics::Collected(std::string_view collector, std::string_view failure_reason,
                            Duration took) {
  const bool ok = failure_reason.empty();
  Apply<1>(collector_up_, {collector}, UpdateOp::kSet, ok ? 1 : 0);
  Apply<1>(collector_duration_, {collector}, UpdateOp::kSet, Seconds(took));
  if (ok) return;
  Apply<2>(collector_failures_, {collector, failure_reason}, UpdateOp::kAdd, 1);
  const bool late = failure_reason == "timeout" || failure_reason == "busy";
  (late ? counts_.collector_timeouts : counts_.collector_failures)
      .fetch_add(1, std::memory_order_relaxed);
}

void SelfMetrics::CollectorGone(std::string_view collector) {
  RemoveSeries<1>(collector_up_, {collector});
  RemoveSeries<1>(collector_duration_, {collector});
  const Label label{"collector", collector};
  collector_failures_->RemoveMatching(&label, 1);
}

void SelfMetrics::InstrumentsRefused(std::string_view reason, uint64_t n) {
  Apply<1>(refused_, {reason}, UpdateOp::kAdd, static_cast<double>(n));
}

void SelfMetrics::PushesChanged() {
  std::lock_guard lock(mutex_);
  failing_forwards_.clear();
  counts_.push_failing.store(false, std::memory_order_relaxed);
  counts_.forward_failing.store(false, std::memory_order_relaxed);
}

void SelfMetrics::ResetAfterFork() {
  failing_forwards_.clear();
  registry_.ResetValues();
  for (std::atomic<uint64_t>* count :
       {&counts_.scrapes, &counts_.scrapes_refused, &counts_.pushes_ok, &counts_.pushes_failed,
        &counts_.forwards_ok, &counts_.forwards_failed, &counts_.forwards_skipped,
        &counts_.collector_failures, &counts_.collector_timeouts, &counts_.series_refused}) {
    count->store(0);
  }
  for (std::atomic<int64_t>* time :
       {&counts_.last_scrape_unix_ms, &counts_.last_push_unix_ms, &counts_.last_push_ok_unix_ms}) {
    time->store(0);
  }
  counts_.push_failing.store(false);
  counts_.forward_failing.store(false);
}

void SelfMetrics::SeriesRefused(std::string_view reason, uint64_t n) {
  Apply<1>(refused_, {reason}, UpdateOp::kAdd, static_cast<double>(n));
  counts_.series_refused.fetch_add(n, std::memory_order_relaxed);
}

}  // namespace promplug
