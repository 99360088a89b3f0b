// SPDX-License-Identifier: MIT
#include "config/forward.hpp"

#include <array>

#include "base/text.hpp"
#include "config/address.hpp"

namespace promplug {
namespace {

Status ReadPatterns(const Value& value, std::vector<std::string>* out) {
  if (value.node.kind != YamlNode::Kind::kList) return value.Error();
  out->clear();
  for (const YamlNode& item : value.node.items) {
    std::string_view stem = item.text;
    const bool prefix = !stem.empty() && stem.back() == '*';
    if (prefix) stem.remove_suffix(1);
    const bool valid = IsValidMetricName(stem) || (prefix && stem.empty());
    if (item.kind != YamlNode::Kind::kScalar || !valid) return value.Part(value.key, item).Error();
    out->push_back(item.text);
  }
  return {};
}

using ForwardKey = Key<ForwardConfig>;
constexpr std::string_view kPatterns =
    "a list of metric family names, with \"*\" at the end for a prefix";

constexpr std::array<ForwardKey, 7> kForwardKeys = {{
    {.name = "job",
     .expected = "a text of 1 to 1024 bytes of UTF-8 without control characters",
     .default_text = "node_exporter",
     .description = "The job under which it is pushed; one of its own.",
     .read = [](const Value& v, ForwardConfig& f) { return ReadLabelValue(v, &f.job); }},
    {.name = "url",
     .expected = "a URL like http://127.0.0.1:9100/metrics",
     .default_text = "http://127.0.0.1:9100/metrics",
     .description = "Where its metrics are; given together with job, or neither is.",
     .read =
         [](const Value& v, ForwardConfig& f) {
           if (v.node.kind != YamlNode::Kind::kScalar) return v.Error();
           Result<std::string> url = NormalizeExporterUrl(v.node.text);
           if (!url.ok()) return v.Error(url.status().text());
           f.url = std::move(url).value();
           return Status();
         },
     .show = Show::kUrl},
    {.name = "timeout_seconds",
     .expected = "a number of seconds from 0.1 to 600",
     .default_text = "5",
     .description = "For reading it once; below pushgateway.interval_seconds.",
     .read = [](const Value& v,
                ForwardConfig& f) { return ReadSeconds(v, 0.1, 600, &f.timeout_seconds); }},
    {.name = "keep",
     .shape = Shape::kList,
     .expected = kPatterns,
     .default_text = "[]",
     .description = "Only these families are forwarded; an empty list means all.",
     .read = [](const Value& v, ForwardConfig& f) { return ReadPatterns(v, &f.keep); }},
    {.name = "drop",
     .shape = Shape::kList,
     .expected = kPatterns,
     .default_text = "[go_*, process_*, promhttp_*]",
     .description = "These families are not; wins over keep. `[]` forwards the exporter whole.",
     .read = [](const Value& v, ForwardConfig& f) { return ReadPatterns(v, &f.drop); }},
    {.name = "max_bytes",
     .expected = "a whole number from 1024 to 1073741824",
     .default_text = "16777216",
     .description = "A longer answer of the exporter is refused.",
     .read =
         [](const Value& v, ForwardConfig& f) {
           return ReadWhole(v, uint64_t{1024}, uint64_t{1} << 30, &f.max_bytes);
         }},
    {.name = "when_gone",
     .expected = "delete or keep",
     .default_text = "delete",
     .description = "What happens to its group on the Pushgateway when the exporter has gone, or "
                    "is forwarded no more.",
     .read =
         [](const Value& v, ForwardConfig& f) {
           return ReadChoice<WhenGone>(
               v, {{"delete", WhenGone::kDelete}, {"keep", WhenGone::kKeep}}, &f.when_gone);
         }},
}};

Status UnknownItemKey(const Value& item, std::string_view name, const YamlNode& node) {
  std::array<std::string, kForwardKeys.size()> names;
  std::array<std::string_view, kForwardKeys.size()> known;
  for (size_t i = 0; i < names.size(); ++i) {
    names[i] = (item.key + ".").append(kForwardKeys[i].name);
    known[i] = names[i];
  }
  return UnknownKey(item.origin.Where(node.line), (item.key + ".").append(name), known);
}

Status ReadItem(const Value& item, Draft& draft) {
  if (item.node.kind != YamlNode::Kind::kMap) {
    return item.Error("an exporter: a map with job, url and further keys");
  }
  ForwardConfig forward = DefaultForward();
  bool has_job = false;
  bool has_url = false;
  for (const auto& [name, node] : item.node.entries) {
    const std::string full = item.key + "." + name;
    const ForwardKey* found = nullptr;
    for (const ForwardKey& key : kForwardKeys) {
      if (key.name == name) found = &key;
    }
    if (found == nullptr) {
      return UnknownItemKey(item, name, node);
    }
    const Value value{full, node, item.origin, found->expected, found->show};
    Status status = found->read(value, forward);
    if (!status.ok()) return status;
    draft.given[full] = {value.Where(), value.Shown()};
    has_job = has_job || name == "job";
    has_url = has_url || name == "url";
  }
  if (has_job != has_url) {
    return ValueError(item.Where(), item.key, has_job ? "no url" : "no job",
                      "job and url, or neither for the node_exporter of this machine");
  }
  if (!has_job) draft.given[item.key + ".job"] = {item.Where(), Quoted(forward.job)};
  draft.config.forward.push_back(std::move(forward));
  return {};
}

}  // namespace

std::span<const Key<ForwardConfig>> ForwardKeys() { return kForwardKeys; }

ForwardConfig DefaultForward() {
  ForwardConfig forward;
  forward.job = "node_exporter";
  forward.url = "http://127.0.0.1:9100/metrics";
  forward.drop = {"go_*", "process_*", "promhttp_*"};
  return forward;
}

Status ReadForward(const Value& value, Draft& draft) {
  if (value.node.kind != YamlNode::Kind::kList) return value.Error();
  draft.config.forward.clear();
  std::erase_if(draft.given, [](const auto& entry) { return entry.first.starts_with("forward["); });
  for (size_t i = 0; i < value.node.items.size(); ++i) {
    const std::string key = "forward[" + std::to_string(i) + "]";
    Status status = ReadItem(value.Part(key, value.node.items[i]), draft);
    if (!status.ok()) return status;
  }
  return {};
}

}  // namespace promplug
