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
  std::string text;           // why, for a person; empty for kClean
  bool families_left = true;  // kClean: whether any family is left after dropping
  // kFailed: the lines of a family came apart, which the relay saw only after `out` had begun. It
  // will hold the next body and put its families together: reading at once again, with a new
  // `out`, succeeds if nothing else is wrong. Who ignores this loses one reading.
  bool read_again = false;
};

// Reads one local exporter and cleans what it says, so that the Pushgateway takes it whole.
//
// An exposition is whole and valid when: its transfer was complete, its status is 200; its
// Content-Type is text/plain or application/openmetrics-text, or it has none (small exporters do
// not send one; any other type says that it is something else); it has at most
// ForwardConfig::max_bytes; each line has valid syntax (TextLineReader); it ends with a newline,
// and with "# EOF" where it calls itself OpenMetrics; it has at least one sample. Anything else is
// kFailed as a whole: half of an exporter's series would look like a healthy exporter.
//
// What is valid but not for the Pushgateway costs as little as possible:
// - timestamps and exemplars go, their samples stay; comments and the types and _created samples
//   of OpenMetrics go or become what text 0.0.4 has for them;
// - the labels job and instance, which the Pushgateway would overwrite, become exported_job and
//   exported_instance (exported_exported_... where that exists, as in Prometheus);
// - a series that is there already is left out (reason "duplicate"); labels in another order, or
//   empty, make no difference;
// - a series is left out (reason "invalid") with a label name that occurs twice or begins with
//   "__", a label value that is not UTF-8, more than 128 labels, or without what its type demands
//   (le, quantile);
// - of two TYPE or HELP lines the first wins, and TYPE after samples is ignored; samples under a
//   second, other TYPE, and families whose sample names belong to an earlier family (h_count beside
//   the histogram h), are left out (reason "type");
// - HELP that is not UTF-8, or comes after samples, goes; other HELP has its escapes mended;
// - families that are dropped, not kept, or excluded are left out.
//
// Used by one thread. Memory: 16 bytes a series of the largest family and a family, and less than
// 1 MiB; for an exporter that was seen to let families come apart, its body besides.
class Relay {
 public:
  virtual ~Relay() = default;
  // Reads once; blocks for at most `timeout` (> 0) and the configured timeout. `exclude` names
  // families to leave out besides the configured ones. `out` receives the clean text in pieces of
  // any size, families in the order of the exporter; it returns false to give up (kFailed).
  // Counts in `self` the series that were left out of a kClean exposition, and nothing else.
  virtual RelayOutcome Read(const std::set<std::string>& exclude, Duration timeout,
                            const std::function<bool(std::string_view)>& out) = 0;
};

// `client` and `self` (may be nullptr) must outlive the relay.
std::unique_ptr<Relay> NewRelay(const ForwardConfig& config, HttpClient* client, SelfMetrics* self);

}  // namespace promplug
