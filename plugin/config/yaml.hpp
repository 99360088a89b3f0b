// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"

namespace promplug {

// Where text of the configuration comes from.
struct Origin {
  std::string name;  // path of the file, "environment variable X", or "override"
  bool is_file = false;

  // "path:line" for a file, else the name. A long path keeps its end.
  std::string Where(size_t line) const;
};

struct YamlEntry;

// One node of a YAML document. Every scalar is text: what it means is decided by the key.
struct YamlNode {
  enum class Kind { kNull, kScalar, kList, kMap };
  Kind kind = Kind::kNull;
  std::string text;                // kScalar
  std::vector<YamlNode> items;     // kList
  std::vector<YamlEntry> entries;  // kMap; distinct names, in the order of the file
  size_t line = 1;                 // from 1; of the key, in a map
};

struct YamlEntry {
  std::string name;
  YamlNode node;
};

// The one document of `text`; kNull when there is none. kConfig, with origin, line and what is
// expected: not YAML 1.1, more than one document, an anchor, alias or tag, a key that is set
// twice or is no scalar, more than 16 levels.
Result<YamlNode> ParseYaml(std::string_view text, const Origin& origin);

}  // namespace promplug
