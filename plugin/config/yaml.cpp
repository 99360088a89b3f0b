// SPDX-License-Identifier: MIT
#include "config/yaml.hpp"

#include <yaml.h>

#include <algorithm>
#include <cstddef>
#include <map>

#include "base/text.hpp"

namespace promplug {
namespace {

constexpr size_t kMaxDepth = 16;

struct Event {
  Event() = default;
  ~Event() { yaml_event_delete(&raw); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  std::string_view scalar() const {
    return {reinterpret_cast<const char*>(raw.data.scalar.value), raw.data.scalar.length};
  }
  size_t line() const { return raw.start_mark.line + 1; }

  yaml_event_t raw{};
};

bool IsNull(const Event& event) {
  if (event.raw.data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
  const std::string_view text = event.scalar();
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

// Anchors are refused where they are set, so that aliases can never multiply anything.
const char* Decoration(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_ALIAS_EVENT:
      return "an alias (*name)";
    case YAML_SCALAR_EVENT:
      if (event.data.scalar.anchor != nullptr) return "an anchor (&name)";
      return event.data.scalar.tag != nullptr ? "a tag (!name)" : nullptr;
    case YAML_SEQUENCE_START_EVENT:
      if (event.data.sequence_start.anchor != nullptr) return "an anchor (&name)";
      return event.data.sequence_start.tag != nullptr ? "a tag (!name)" : nullptr;
    case YAML_MAPPING_START_EVENT:
      if (event.data.mapping_start.anchor != nullptr) return "an anchor (&name)";
      return event.data.mapping_start.tag != nullptr ? "a tag (!name)" : nullptr;
    default:
      return nullptr;
  }
}

class Reader {
 public:
  Reader(std::string_view text, const Origin& origin) : text_(text), origin_(origin) {}
  ~Reader() {
    if (initialized_) yaml_parser_delete(&parser_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<YamlNode> Read() {
    if (yaml_parser_initialize(&parser_) == 0) return Status(Code::kNoMemory, "no memory");
    initialized_ = true;
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text_.data()),
                                 text_.size());
    YamlNode root;
    for (size_t documents = 0;;) {
      Event event;
      Status status = Next(event);
      if (!status.ok()) return status;
      switch (event.raw.type) {
        case YAML_STREAM_END_EVENT:
          return root;
        case YAML_DOCUMENT_START_EVENT:
          if (++documents > 1) {
            return Error(event.line(), "a second document, expected one document in the file");
          }
          break;
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
          break;
        default:
          status = Node(event, 0, &root);
          if (!status.ok()) return status;
      }
    }
  }

 private:
  Status Error(size_t line, std::string_view text) const {
    return {Code::kConfig, origin_.Where(line).append(": ").append(text)};
  }

  // Of the byte before `end`.
  size_t Line(size_t end) const {
    const std::string_view before = text_.substr(0, end == 0 ? 0 : end - 1);
    return static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  }

  Status Next(Event& event) {
    if (yaml_parser_parse(&parser_, &event.raw) != 0) return {};
    if (parser_.error == YAML_MEMORY_ERROR) return {Code::kNoMemory, "no memory"};
    // Of an error at the end the mark can be a line behind the last one, and a byte that is not
    // acceptable has an offset only.
    const bool byte = parser_.error == YAML_READER_ERROR;
    size_t line = Line(byte ? parser_.problem_offset + 1 : text_.size());
    if (!byte) line = std::min(line, parser_.problem_mark.line + 1);
    const char* problem = parser_.problem != nullptr ? parser_.problem : "syntax error";
    return Error(line, std::string(problem).append(", expected YAML").append(Hint(line)));
  }

  // For the mistakes that the parser's own words do not explain.
  std::string_view Hint(size_t line) const {
    std::string_view text = text_;
    for (; line > 1; --line) text.remove_prefix(std::min(text.find('\n') + 1, text.size()));
    text = text.substr(0, text.find('\n'));
    if (text.substr(0, text.find_first_not_of(" \t")).find('\t') != std::string_view::npos) {
      return "; lines are indented with spaces, not with tabs";
    }
    const size_t value = text.find(": [");
    if (value != std::string_view::npos && text.find("]:", value) != std::string_view::npos) {
      return "; a text that begins with \"[\" needs quotes, as in \"[::1]:9400\"";
    }
    return {};
  }

  Status Node(const Event& event, size_t depth, YamlNode* out) {
    if (const char* what = Decoration(event.raw)) {
      return Error(event.line(), std::string(what) + ", expected the value itself");
    }
    if (depth > kMaxDepth) return Error(event.line(), "nested too deeply, expected 16 levels");
    out->line = event.line();
    switch (event.raw.type) {
      case YAML_SCALAR_EVENT:
        out->kind = IsNull(event) ? YamlNode::Kind::kNull : YamlNode::Kind::kScalar;
        out->text = event.scalar();
        return {};
      case YAML_SEQUENCE_START_EVENT:
        return List(depth, out);
      default:
        return Map(depth, out);
    }
  }

  Status List(size_t depth, YamlNode* out) {
    out->kind = YamlNode::Kind::kList;
    for (;;) {
      Event event;
      Status status = Next(event);
      if (!status.ok()) return status;
      if (event.raw.type == YAML_SEQUENCE_END_EVENT) return {};
      status = Node(event, depth + 1, &out->items.emplace_back());
      if (!status.ok()) return status;
    }
  }

  Status Map(size_t depth, YamlNode* out) {
    out->kind = YamlNode::Kind::kMap;
    std::map<std::string, size_t> lines;
    for (;;) {
      Event key;
      Status status = Next(key);
      if (!status.ok()) return status;
      if (key.raw.type == YAML_MAPPING_END_EVENT) return {};
      if (const char* what = Decoration(key.raw)) {
        return Error(key.line(), std::string(what) + ", expected a key");
      }
      if (key.raw.type != YAML_SCALAR_EVENT) {
        return Error(key.line(), "a list or a map as a key, expected a name");
      }
      const std::string name(key.scalar());
      const auto [earlier, is_new] = lines.emplace(name, key.line());
      if (!is_new) {
        return Error(key.line(), "key " + Quoted(name) +
                                     " is set twice, expected once (first on line " +
                                     std::to_string(earlier->second) + ")");
      }
      Event value;
      status = Next(value);
      if (!status.ok()) return status;
      YamlNode& node = out->entries.emplace_back(YamlEntry{name, {}}).node;
      status = Node(value, depth + 1, &node);
      if (!status.ok()) return status;
      node.line = key.line();
    }
  }

  std::string_view text_;
  const Origin& origin_;
  yaml_parser_t parser_{};
  bool initialized_ = false;
};

}  // namespace

std::string Origin::Where(size_t line) const {
  if (!is_file) return name;
  constexpr size_t kMaxPathBytes = 160;
  std::string where =
      name.size() <= kMaxPathBytes ? name : "..." + name.substr(name.size() - kMaxPathBytes + 3);
  return where.append(":").append(std::to_string(line));
}

Result<YamlNode> ParseYaml(std::string_view text, const Origin& origin) {
  return Reader(text, origin).Read();
}

}  // namespace promplug
