// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <set>
#include <sstream>

#include "config/forward.hpp"
#include "config/keys.hpp"
#include "unit/config/config_support.hpp"

namespace promplug {
namespace {

struct Row {
  std::vector<std::string> cells;
};

std::string DocText() {
  std::ifstream in(std::string(PROMPLUG_TEST_DATA) + "/../../docs/config.md");
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string Strip(std::string_view text, std::string_view what) {
  const size_t begin = text.find_first_not_of(what);
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(what) - begin + 1));
}

// The rows of all tables, without head and ruler.
std::vector<Row> Rows(size_t columns) {
  std::vector<Row> rows;
  std::stringstream lines(DocText());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `")) continue;
    Row row;
    std::stringstream cells(line.substr(1));
    for (std::string cell; std::getline(cells, cell, '|');) row.cells.push_back(Strip(cell, " "));
    if (row.cells.size() == columns) rows.push_back(row);
  }
  return rows;
}

std::map<std::string, Row> KeyRows() {
  std::map<std::string, Row> rows;
  for (const Row& row : Rows(6)) {
    EXPECT_TRUE(rows.emplace(Strip(row.cells[0], "`"), row).second) << row.cells[0] << " twice";
  }
  return rows;
}

std::vector<std::string> YamlBlocks() {
  const std::string text = DocText();
  const std::string fence = "```yaml\n";
  std::vector<std::string> blocks;
  for (size_t at = text.find(fence); at != std::string::npos; at = text.find(fence, at)) {
    at += fence.size();
    blocks.push_back(text.substr(at, text.find("```", at) - at));
  }
  return blocks;
}

std::string Default(std::string_view text) {
  return text.empty() ? "`\"\"`" : "`" + std::string(text) + "`";
}

std::set<std::string> AllKeys() {
  std::set<std::string> keys;
  for (const auto& key : ConfigKeys()) keys.insert(std::string(key.name));
  for (const auto& key : ForwardKeys()) keys.insert("forward[]." + std::string(key.name));
  return keys;
}

TEST(ConfigDocs, DocumentEveryKeyAndNoOther) {
  std::set<std::string> documented;
  for (const auto& [key, row] : KeyRows()) documented.insert(key);
  EXPECT_EQ(documented, AllKeys());
}

TEST(ConfigDocs, SayOfEveryKeyWhatTheCodeSays) {
  const std::map<std::string, Row> rows = KeyRows();
  for (const auto& key : ConfigKeys()) {
    const auto row = rows.find(std::string(key.name));
    ASSERT_NE(row, rows.end()) << key.name;
    std::string variables = "`" + GenericVariable(key.name) + "`";
    if (!key.variable.empty()) variables = "`" + std::string(key.variable) + "`, " + variables;
    EXPECT_EQ(row->second.cells[1], key.expected) << key.name;
    EXPECT_EQ(row->second.cells[2], Default(key.default_text)) << key.name;
    EXPECT_EQ(row->second.cells[3], variables) << key.name;
    EXPECT_EQ(row->second.cells[5], key.description) << key.name;
  }
  for (const auto& key : ForwardKeys()) {
    const auto row = rows.find("forward[]." + std::string(key.name));
    ASSERT_NE(row, rows.end()) << key.name;
    EXPECT_EQ(row->second.cells[1], key.expected) << key.name;
    EXPECT_EQ(row->second.cells[2], Default(key.default_text)) << key.name;
    EXPECT_EQ(row->second.cells[3], "none") << key.name;
    EXPECT_EQ(row->second.cells[5], key.description) << key.name;
  }
}

TEST(ConfigDocs, EveryExampleIsAccepted) {
  for (const auto& [key, row] : KeyRows()) {
    const std::string example = Strip(row.cells[4], "`");
    ASSERT_FALSE(example.empty()) << key;
    if (!key.starts_with("forward[].")) {
      Overrides({{key, example}}).Good();
      continue;
    }
    const std::string name = key.substr(std::string("forward[].").size());
    std::string entry = "[{" + name + ": '" + example + "'";
    if (example.starts_with('[')) entry = "[{" + name + ": " + example;
    if (name == "job") entry += ", url: http://127.0.0.1:1/";
    if (name == "url") entry += ", job: other";
    Overrides({{"forward", entry + "}]"}}).Good();
  }
}

TEST(ConfigDocs, EveryYamlBlockIsAccepted) {
  ASSERT_FALSE(YamlBlocks().empty());
  for (const std::string& block : YamlBlocks()) File(block).Good();
}

void Flatten(const YamlNode& node, const std::string& prefix, std::set<std::string>* out) {
  for (const auto& [name, value] : node.entries) {
    const std::string key = prefix + name;
    const bool section = value.kind == YamlNode::Kind::kMap && !value.entries.empty();
    if (!section) out->insert(key);
    Flatten(value, key + ".", out);
    for (const YamlNode& item : value.items) Flatten(item, key + "[].", out);
  }
}

TEST(ConfigDocs, TheFullFileHasEveryKeyWithItsDefault) {
  const std::string full = YamlBlocks().back();
  Result<YamlNode> root = ParseYaml(full, Origin{"docs", false});
  ASSERT_TRUE(root.ok()) << root.status().text();
  std::set<std::string> keys;
  Flatten(root.value(), "", &keys);
  EXPECT_EQ(keys, AllKeys());

  const Config config = File(full).Good();
  const Config defaults = Sources().Good();
  EXPECT_EQ(config.scrape.listen, defaults.scrape.listen);
  EXPECT_EQ(config.pushgateway.url, "http://pushgateway:9091");
  EXPECT_EQ(config.pushgateway.instance, "10.0.0.5");
  EXPECT_EQ(config.pushgateway.timeout_seconds, defaults.pushgateway.timeout_seconds);
  ASSERT_EQ(config.forward.size(), 1u);
  EXPECT_EQ(config.forward[0].drop, defaults.forward[0].drop);
  EXPECT_EQ(config.limits.max_series_per_family, defaults.limits.max_series_per_family);
  EXPECT_EQ(config.limits.series_expiry_seconds, defaults.limits.series_expiry_seconds);
  EXPECT_EQ(config.multiprocess.dir, defaults.multiprocess.dir);
  EXPECT_EQ(config.multiprocess.max_segment_bytes, defaults.multiprocess.max_segment_bytes);
  EXPECT_THAT(config.warnings, ::testing::IsEmpty());
}

TEST(ConfigDocs, TheErrorsAreThoseOfTheCode) {
  const std::vector<Row> rows = Rows(2);
  ASSERT_GE(rows.size(), 8u);
  for (const Row& row : rows) {
    const std::string error = File(Strip(row.cells[0], "`")).Error();
    EXPECT_EQ(error.substr(error.rfind('/', error.find("yaml:1")) + 1), Strip(row.cells[1], "`"));
  }
}

}  // namespace
}  // namespace promplug
