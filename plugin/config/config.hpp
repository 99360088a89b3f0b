// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "base/status.hpp"

namespace promplug {

using StringPairs = std::vector<std::pair<std::string, std::string>>;

// A shorter interval becomes this one.
inline constexpr uint32_t kMinPushIntervalSeconds = 15;

// What a scraper that accepts it gets. Auto: what it likes best of all that there are.
enum class ScrapeCompression { kAuto, kGzip, kNone };
enum class PushMethod { kPut, kPost };
enum class OnStop { kPush, kDelete, kNothing };
enum class WhenGone { kDelete, kKeep };

struct ScrapeConfig {
  std::string path = "/metrics";  // begins with '/'
  std::string listen;             // "address:port" or "[v6]:port", numeric; empty: off
  uint32_t max_requests_in_flight = 16;
  double timeout_seconds = 10;  // for a scrape without X-Prometheus-Scrape-Timeout-Seconds
  ScrapeCompression compression = ScrapeCompression::kAuto;
  bool created_series = true;  // in OpenMetrics
};

struct PushgatewayConfig {
  std::string url;                 // normalised: has a scheme, no trailing '/'; empty: push is off
  uint32_t interval_seconds = 30;  // >= 15
  double timeout_seconds = 10;     // one whole push with its retries; < interval_seconds
  std::string job = "photo-api";   // valid UTF-8, not empty
  std::string instance;            // likewise; empty only where url is
  StringPairs labels;              // further grouping labels, in the order of the file
  PushMethod method = PushMethod::kPut;
  OnStop on_stop = OnStop::kPush;
  bool gzip = true;
  StringPairs headers;  // further request headers; the values are credentials
};

// One local exporter that is forwarded to the Pushgateway.
struct ForwardConfig {
  std::string job;
  std::string url;  // http:// or https://
  double timeout_seconds = 5;
  std::vector<std::string> keep;  // family names, '*' at the end matches a prefix; empty: all
  std::vector<std::string> drop;  // likewise; wins over keep
  uint64_t max_bytes = 16u << 20;
  WhenGone when_gone = WhenGone::kDelete;
};

struct CollectorsConfig {
  double timeout_seconds = 2;
  uint64_t max_output_bytes = 16u << 20;
};

struct LimitsConfig {
  uint32_t max_series_per_family = 100000;
  uint32_t series_expiry_seconds = 0;  // 0: series do not expire
};

// What happens to the totals of a set of processes that has ended, when another begins there.
enum class OnRestart { kKeep, kClear };

struct MultiprocessConfig {
  std::string dir;  // empty: this process is alone
  OnRestart on_restart = OnRestart::kKeep;
  double collect_interval_seconds = 5;
  bool allow_disk = false;
  uint64_t max_segment_bytes = uint64_t{256} << 20;
};

// What the plugin is to do. Immutable once made; a reload makes a new one.
struct Config {
  ScrapeConfig scrape;
  PushgatewayConfig pushgateway;
  std::vector<ForwardConfig> forward;  // empty: nothing; has no effect while push is off
  CollectorsConfig collectors;
  LimitsConfig limits;
  MultiprocessConfig multiprocess;
  bool process_metrics = true;
  bool self_metrics = true;
  LogLevel log_level = LogLevel::kInfo;

  // Why push is off, for the log line; empty when pushgateway.url is set.
  std::string push_off_reason;
  // Lines that the log gets at start as warnings: what was guessed or corrected.
  std::vector<std::string> warnings;
};

}  // namespace promplug
