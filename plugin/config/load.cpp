// SPDX-License-Identifier: MIT
#include "config/load.hpp"

#include <algorithm>
#include <set>
#include <vector>

#include "base/text.hpp"
#include "config/file.hpp"
#include "config/finish.hpp"
#include "config/keys.hpp"

namespace promplug {
namespace {

const Key<Draft>* FindKey(std::string_view name) {
  for (const Key<Draft>& key : ConfigKeys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

// Also of an entry of a map: "pushgateway.labels.NAME".
const Key<Draft>* FindKeyOrEntry(std::string_view name) {
  for (const Key<Draft>& key : ConfigKeys()) {
    const bool entry = key.shape == Shape::kMap && name.size() > key.name.size() &&
                       name.starts_with(key.name) && name[key.name.size()] == '.';
    if (entry) return &key;
  }
  return FindKey(name);
}

bool IsSection(std::string_view prefix) {
  for (const Key<Draft>& key : ConfigKeys()) {
    if (key.name.starts_with(prefix)) return true;
  }
  return false;
}

Status Unknown(std::string_view where, std::string_view name) {
  std::set<std::string_view> known;
  for (const Key<Draft>& key : ConfigKeys()) {
    known.insert(key.name);
    if (const size_t dot = key.name.find('.'); dot != std::string_view::npos) {
      known.insert(key.name.substr(0, dot));
    }
  }
  return UnknownKey(where, name, std::vector<std::string_view>(known.begin(), known.end()));
}

// Reads the keys below `prefix`, which is empty or ends with '.'.
Status ReadMap(const YamlNode& map, const std::string& prefix, const Origin& origin, Draft& draft) {
  for (const auto& [name, node] : map.entries) {
    const std::string full = prefix + name;
    const std::string where = origin.Where(node.line);
    Status status;
    if (name.find('.') != std::string::npos) {
      status = ValueError(where, full, "a dotted key",
                          "nested keys, as in \"scrape: {path: /metrics}\"");
    } else if (const Key<Draft>* key = FindKey(full)) {
      status = ReadKey(*key, full, node, origin, draft);
    } else if (!IsSection(full + ".")) {
      status = Unknown(where, full);
    } else if (node.kind == YamlNode::Kind::kMap) {
      status = ReadMap(node, full + ".", origin, draft);
    } else if (node.kind != YamlNode::Kind::kNull) {
      status = Value{full, node, origin, "a section with keys below it", Show::kUrl}.Error();
    }
    if (!status.ok()) return status;
  }
  return {};
}

Status ReadFile(const std::string& path, Draft& draft) {
  Result<std::string> text = ReadConfigFile(path);
  if (!text.ok()) return text.status();
  const Origin origin{path, true};
  Result<YamlNode> root = ParseYaml(text.value(), origin);
  if (!root.ok()) return root.status();
  const YamlNode& node = root.value();
  if (node.kind == YamlNode::Kind::kNull) return {};
  if (node.kind != YamlNode::Kind::kMap) {
    return Value{"the file", node, origin, "keys and values, as in \"log_level: info\"",
                 Show::kHidden}
        .Error();
  }
  return ReadMap(node, "", origin, draft);
}

// A variable or an override: lists and maps are written as YAML, all else is taken as it is.
Status ReadText(const Key<Draft>& key, const std::string& name, const std::string& text,
                const Origin& origin, Draft& draft) {
  YamlNode node;
  if (key.shape == Shape::kScalar || name != key.name) {
    node.kind = YamlNode::Kind::kScalar;
    node.text = text;
  } else {
    Result<YamlNode> parsed = ParseYaml(text, origin);
    if (!parsed.ok()) {
      return {parsed.status().code(), parsed.status().text() + " for " + name};
    }
    node = std::move(parsed).value();
  }
  return ReadKey(key, name, node, origin, draft);
}

constexpr std::string_view kOwnVariables = "PROMPLUG_";
constexpr char kFileVariable[] = "PROMPLUG_CONFIG";
// For hosts that find the plugin by the environment.
constexpr char kPluginVariable[] = "PROMPLUG_PLUGIN";

// No error as an unknown key of the file is: whoever starts the process may have variables of
// other programs that begin like ours.
void WarnOfUnknownVariables(const ConfigInput& input, Draft& draft) {
  if (!input.variable_names) return;
  std::vector<std::string> known = {kFileVariable, kPluginVariable};
  for (const Key<Draft>& key : ConfigKeys()) known.push_back(GenericVariable(key.name));
  const std::vector<std::string_view> views(known.begin(), known.end());
  for (const std::string& name : input.variable_names()) {
    if (!name.starts_with(kOwnVariables) ||
        std::find(known.begin(), known.end(), name) != known.end()) {
      continue;
    }
    const std::string_view nearest = NearestName(name, views);
    std::string text = "environment variable " + Quoted(name) + " is not known and has no effect";
    if (!nearest.empty()) text.append(", did you mean ").append(nearest).append("?");
    draft.config.warnings.push_back(std::move(text));
  }
}

Status ReadEnvironment(const ConfigInput& input, Draft& draft) {
  if (!input.environment) return {};
  for (const Key<Draft>& key : ConfigKeys()) {
    // The widely known variable comes last, so that it wins.
    for (const std::string& variable : {GenericVariable(key.name), std::string(key.variable)}) {
      if (variable.empty()) continue;
      const std::optional<std::string> text = input.environment(variable.c_str());
      if (!text || (text->empty() && !key.empty_is_a_value)) continue;
      const Origin origin{std::string(kVariable) + variable};
      Status status = ReadText(key, std::string(key.name), *text, origin, draft);
      if (!status.ok()) return status;
    }
  }
  WarnOfUnknownVariables(input, draft);
  return {};
}

Status ReadOverrides(const ConfigInput& input, Draft& draft) {
  const Origin origin{"override"};
  for (const auto& [name, text] : input.overrides) {
    const Key<Draft>* key = FindKeyOrEntry(name);
    Status status =
        key == nullptr ? Unknown("override", name) : ReadText(*key, name, text, origin, draft);
    if (!status.ok()) return status;
  }
  return {};
}

std::string FilePath(const ConfigInput& input) {
  if (!input.path.empty() || !input.environment) return input.path;
  return input.environment(kFileVariable).value_or("");
}

}  // namespace

Result<Config> LoadConfig(const ConfigInput& input) {
  Draft draft;
  const std::string path = FilePath(input);
  Status status = path.empty() ? Status() : ReadFile(path, draft);
  if (status.ok()) status = ReadEnvironment(input, draft);
  if (status.ok()) status = ReadOverrides(input, draft);
  if (!status.ok()) return status;
  return Finish(std::move(draft), input);
}

}  // namespace promplug
