// SPDX-License-Identifier: MIT
#include "config/keys.hpp"

#include <algorithm>
#include <utility>

#include "config/address.hpp"
#include "config/forward.hpp"
#include "config/pairs.hpp"

namespace promplug {
namespace {

constexpr std::string_view kBoolean = "true or false";
constexpr std::string_view kBytes = "a whole number from 1024 to 1073741824";
constexpr uint64_t kLowestBytes = 1024;
constexpr uint64_t kHighestBytes = uint64_t{1} << 30;

Status ReadCompression(const Value& value, bool* gzip) {
  return ReadChoice<bool>(value, {{"gzip", true}, {"none", false}}, gzip);
}

Status ReadScrapeCompression(const Value& value, ScrapeCompression* out) {
  return ReadChoice<ScrapeCompression>(value,
                                       {{"auto", ScrapeCompression::kAuto},
                                        {"gzip", ScrapeCompression::kGzip},
                                        {"none", ScrapeCompression::kNone}},
                                       out);
}

Status ReadPath(const Value& value, std::string* out) {
  const std::string& text = value.node.text;
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7f && c != '?' && c != '#';
  });
  if (value.node.kind != YamlNode::Kind::kScalar || !text.starts_with('/') || !plain) {
    return value.Error();
  }
  *out = text;
  return {};
}

Status ReadDirectory(const Value& value, std::string* out) {
  const std::string& text = value.node.text;
  if (value.node.kind != YamlNode::Kind::kScalar || text.find('\0') != std::string::npos ||
      (!text.empty() && !text.starts_with('/'))) {
    return value.Error();
  }
  *out = text;
  return {};
}

Status ReadNormalized(const Value& value, Result<std::string> (*normalize)(std::string_view),
                      std::string* out) {
  if (value.node.kind != YamlNode::Kind::kScalar) return value.Error();
  Result<std::string> text = normalize(value.node.text);
  if (!text.ok()) return value.Error(text.status().text());
  *out = std::move(text).value();
  return {};
}

Status ReadGatewayUrl(const Value& value, std::string* out) {
  if (value.node.kind == YamlNode::Kind::kScalar && value.node.text.empty()) {
    out->clear();
    return {};
  }
  return ReadNormalized(value, NormalizeGatewayUrl, out);
}

// Whole numbers below the floor are corrected, with a warning, once the last source is read.
Status ReadInterval(const Value& value, uint32_t* out) {
  const std::string& text = value.node.text;
  const bool negative = text.size() > 1 && text[0] == '-' &&
                        text.find_first_not_of("0123456789", 1) == std::string::npos;
  if (value.node.kind != YamlNode::Kind::kScalar || !negative) {
    return ReadWhole(value, 0u, 86400u, out);
  }
  *out = 0;
  return {};
}

using ConfigKey = Key<Draft>;

constexpr ConfigKey kConfigKeys[] = {
    {.name = "scrape.path",
     .expected = "a path that begins with \"/\", without \"?\", \"#\" and spaces",
     .default_text = "/metrics",
     .description = "Where the metrics are served, in the host and on the own listener.",
     .read = [](const Value& v, Draft& d) { return ReadPath(v, &d.config.scrape.path); }},
    {.name = "scrape.listen",
     .expected = "\"127.0.0.1:9400\", \"[::1]:9400\", \":9400\" (loopback) or \"\" (off)",
     .default_text = "",
     .description = "Address of a listener of the plugin's own; port 0 is any free one.",
     .read = [](const Value& v,
                Draft& d) { return ReadNormalized(v, NormalizeListen, &d.config.scrape.listen); },
     .empty_is_a_value = true},
    {.name = "scrape.max_requests_in_flight",
     .expected = "a whole number from 1 to 1024",
     .default_text = "16",
     .description = "Scrapes beyond this many at once are answered with 503.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadWhole(v, 1u, 1024u, &d.config.scrape.max_requests_in_flight);
         }},
    {.name = "scrape.timeout_seconds",
     .expected = "a number of seconds from 0.1 to 600",
     .default_text = "10",
     .description = "For a scrape that names no timeout of its own.",
     .read = [](const Value& v,
                Draft& d) { return ReadSeconds(v, 0.1, 600, &d.config.scrape.timeout_seconds); }},
    {.name = "scrape.compression",
     .expected = "auto, gzip or none",
     .default_text = "auto",
     .description = "What a scraper that accepts it gets; auto: the best liked of gzip and zstd.",
     .read = [](const Value& v,
                Draft& d) { return ReadScrapeCompression(v, &d.config.scrape.compression); }},
    {.name = "scrape.created_series",
     .expected = kBoolean,
     .default_text = "true",
     .description = "Whether OpenMetrics has a _created series beside each counter and histogram.",
     .read = [](const Value& v, Draft& d) { return ReadBool(v, &d.config.scrape.created_series); }},
    {.name = "pushgateway.url",
     .expected = "a URL like http://pushgateway:9091, or \"\" (push is off)",
     .default_text = "",
     .description = "Base URL of the Pushgateway; empty: push and forwarding are off.",
     .read = [](const Value& v, Draft& d) { return ReadGatewayUrl(v, &d.config.pushgateway.url); },
     .show = Show::kUrl,
     .variable = "PROMETHEUS_PUSHGATEWAY_URL",
     .empty_is_a_value = true},
    {.name = "pushgateway.interval_seconds",
     .expected = "a whole number of seconds up to 86400",
     .default_text = "30",
     .description = "Time from push to push; below 15 becomes 15, with a warning.",
     .read = [](const Value& v,
                Draft& d) { return ReadInterval(v, &d.config.pushgateway.interval_seconds); },
     .variable = "PROMETHEUS_PUSH_INTERVAL_SECONDS"},
    {.name = "pushgateway.timeout_seconds",
     .expected = "a number of seconds from 0.1 to 600",
     .default_text = "10",
     .description = "For one push with its retries; below the interval.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadSeconds(v, 0.1, 600, &d.config.pushgateway.timeout_seconds);
         }},
    {.name = "pushgateway.job",
     .expected = kLabelValueText,
     .default_text = "photo-api",
     .description = "The job of the grouping key.",
     .read = [](const Value& v, Draft& d) { return ReadLabelValue(v, &d.config.pushgateway.job); }},
    {.name = "pushgateway.instance",
     .expected = kLabelValueText,
     .default_text = "guessed",
     .description = "The instance of the grouping key, different on every machine.",
     .read = [](const Value& v,
                Draft& d) { return ReadLabelValue(v, &d.config.pushgateway.instance); },
     .variable = "INSTANCE_IP"},
    {.name = "pushgateway.labels",
     .shape = Shape::kMap,
     .expected = "a map of label names to texts",
     .default_text = "{}",
     .description = "Further labels of the grouping key, for every group.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadLabels(v, "pushgateway.labels", &d.config.pushgateway.labels);
         }},
    {.name = "pushgateway.method",
     .expected = "put or post",
     .default_text = "put",
     .description = "put replaces the group, post only the families that are sent.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadChoice<PushMethod>(v,
                                         {{"put", PushMethod::kPut}, {"post", PushMethod::kPost}},
                                         &d.config.pushgateway.method);
         }},
    {.name = "pushgateway.on_stop",
     .expected = "push, delete or none",
     .default_text = "push",
     .description = "When the host stops: a last push, DELETE of the group, or nothing.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadChoice<OnStop>(
               v,
               {{"push", OnStop::kPush}, {"delete", OnStop::kDelete}, {"none", OnStop::kNothing}},
               &d.config.pushgateway.on_stop);
         }},
    {.name = "pushgateway.compression",
     .expected = "gzip or none",
     .default_text = "gzip",
     .description = "none for a Pushgateway before 1.5, which takes no gzip.",
     .read = [](const Value& v,
                Draft& d) { return ReadCompression(v, &d.config.pushgateway.gzip); }},
    {.name = "pushgateway.headers",
     .shape = Shape::kMap,
     .expected = "a map of HTTP header names to texts",
     .default_text = "{}",
     .description = "Further headers of every push, for proxies; never logged.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadHeaders(v, "pushgateway.headers", &d.config.pushgateway.headers);
         },
     .show = Show::kHidden},
    {.name = "forward",
     .shape = Shape::kList,
     .expected = "a list of exporters, or [] for none",
     .default_text = "[{}]",
     .description = "Local exporters that are pushed too; not given: the node_exporter.",
     .read = ReadForward,
     .show = Show::kUrl},
    {.name = "collectors.timeout_seconds",
     .expected = "a number of seconds from 0.01 to 600",
     .default_text = "2",
     .description = "A collector that takes longer is left out of the scrape.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadSeconds(v, 0.01, 600, &d.config.collectors.timeout_seconds);
         }},
    {.name = "collectors.max_output_bytes",
     .expected = kBytes,
     .default_text = "16777216",
     .description = "A collector that says more is left out of the scrape.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadWhole(v, kLowestBytes, kHighestBytes, &d.config.collectors.max_output_bytes);
         }},
    {.name = "limits.max_series_per_family",
     .expected = "a whole number from 1 to 100000000",
     .default_text = "100000",
     .description = "Series beyond it are counted and not kept.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadWhole(v, 1u, 100000000u, &d.config.limits.max_series_per_family);
         }},
    {.name = "limits.series_expiry_seconds",
     .expected = "a whole number of seconds up to 31536000, 0 for never",
     .default_text = "0",
     .description = "Series that are not updated for so long are exposed no more.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadWhole(v, 0u, 31536000u, &d.config.limits.series_expiry_seconds);
         }},
    {.name = "multiprocess.dir",
     .expected = "an absolute path of a directory, or \"\" (this process is alone)",
     .default_text = "",
     .description = "Processes with the same directory, on a tmpfs, are one instance.",
     .read = [](const Value& v, Draft& d) { return ReadDirectory(v, &d.config.multiprocess.dir); },
     .empty_is_a_value = true},
    {.name = "multiprocess.on_restart",
     .expected = "keep or clear",
     .default_text = "keep",
     .description = "What the first process of a set does with the totals of an earlier one.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadChoice<OnRestart>(v,
                                        {{"keep", OnRestart::kKeep}, {"clear", OnRestart::kClear}},
                                        &d.config.multiprocess.on_restart);
         }},
    {.name = "multiprocess.collect_interval_seconds",
     .expected = "a number of seconds from 0.1 to 600",
     .default_text = "5",
     .description = "How often a process tells the others what its collectors say.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadSeconds(v, 0.1, 600, &d.config.multiprocess.collect_interval_seconds);
         }},
    {.name = "multiprocess.allow_disk",
     .expected = kBoolean,
     .default_text = "false",
     .description = "Whether the directory may be on a disk, whose writeback can stall the host.",
     .read = [](const Value& v,
                Draft& d) { return ReadBool(v, &d.config.multiprocess.allow_disk); }},
    {.name = "multiprocess.max_segment_bytes",
     .expected = "a whole number from 65536 to 1099511627776",
     .default_text = "268435456",
     .description = "What the metrics of one process may take in the directory.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadWhole(v, uint64_t{65536}, uint64_t{1} << 40,
                            &d.config.multiprocess.max_segment_bytes);
         }},
    {.name = "process_metrics",
     .expected = kBoolean,
     .default_text = "true",
     .description = "Whether process_* of the host is exposed.",
     .read = [](const Value& v, Draft& d) { return ReadBool(v, &d.config.process_metrics); }},
    {.name = "self_metrics",
     .expected = kBoolean,
     .default_text = "true",
     .description = "Whether promplug_* is exposed.",
     .read = [](const Value& v, Draft& d) { return ReadBool(v, &d.config.self_metrics); }},
    {.name = "log_level",
     .expected = "debug, info, warn (or warning) or error",
     .default_text = "info",
     .description = "Lines below it are not logged.",
     .read =
         [](const Value& v, Draft& d) {
           return ReadChoice<LogLevel>(v,
                                       {{"debug", LogLevel::kDebug},
                                        {"info", LogLevel::kInfo},
                                        {"warn", LogLevel::kWarn},
                                        {"warning", LogLevel::kWarn},
                                        {"error", LogLevel::kError}},
                                       &d.config.log_level);
         }},
};

}  // namespace

std::span<const Key<Draft>> ConfigKeys() { return kConfigKeys; }

std::string GenericVariable(std::string_view key) {
  std::string variable = "PROMPLUG_";
  for (const char c : key) {
    variable.push_back(c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c);
  }
  return variable;
}

Status ReadKey(const Key<Draft>& key, std::string name, const YamlNode& node, const Origin& origin,
               Draft& draft) {
  const Value value{std::move(name), node, origin, key.expected, key.show};
  Status status = key.read(value, draft);
  if (status.ok()) draft.given[value.key] = {value.Where(), value.Shown()};
  return status;
}

}  // namespace promplug
