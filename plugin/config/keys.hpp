// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "config/config.hpp"
#include "config/value.hpp"
#include "config/yaml.hpp"

namespace promplug {

// How the origin of a value that comes from the environment begins.
inline constexpr std::string_view kVariable = "environment variable ";

// Where a value came from and how a message may show it.
struct Given {
  std::string where;
  std::string shown;
};

// A configuration while it is read, source by source.
struct Draft {
  Config config;
  // The keys that some source gave, with the last one. A key of an exporter is
  // "forward[0].job".
  std::map<std::string, Given, std::less<>> given;
};

enum class Shape { kScalar, kList, kMap };

// One key that may be configured. The file, the environment, the overrides and the test of
// docs/config.md go by the tables of these.
template <typename Target>
struct Key {
  std::string_view name;  // dotted
  Shape shape = Shape::kScalar;
  std::string_view expected;      // stands in errors and in the documentation
  std::string_view default_text;  // as it would stand in the file; empty: the empty text
  std::string_view description;
  Status (*read)(const Value& value, Target& target) = nullptr;
  Show show = Show::kPlain;
  std::string_view variable = {};  // the variable by which it is widely known, where one is
  bool empty_is_a_value = false;   // an empty variable counts as given
};

std::span<const Key<Draft>> ConfigKeys();
// The keys of one entry of `forward`.
std::span<const Key<ForwardConfig>> ForwardKeys();

// PROMPLUG_ and the key in upper case with '_' for '.'; of one of ConfigKeys().
std::string GenericVariable(std::string_view key);

// Reads `value` with the key and notes it in draft.given.
Status ReadKey(const Key<Draft>& key, std::string name, const YamlNode& node, const Origin& origin,
               Draft& draft);

// The one of `known` that a person who wrote `name` may have meant, all of them full dotted names;
// empty: none is near.
std::string_view NearestName(std::string_view name, std::span<const std::string_view> known);

// An unknown key: names the nearest known one, else those that may stand in its section.
// `known` are full dotted names, `name` is the full dotted name that was found.
Status UnknownKey(std::string_view where, std::string_view name,
                  std::span<const std::string_view> known);

}  // namespace promplug
