// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "config/load.hpp"

namespace promplug {

// A directory of the test's own with files in it; gone at the end.
class ConfigDirectory {
 public:
  ConfigDirectory() {
    std::string pattern = ::testing::TempDir() + "promplug-config-XXXXXX";
    path_ = mkdtemp(pattern.data());
  }
  ~ConfigDirectory() {
    for (const std::string& file : files_) unlink(file.c_str());
    rmdir(path_.c_str());
  }
  ConfigDirectory(const ConfigDirectory&) = delete;
  ConfigDirectory& operator=(const ConfigDirectory&) = delete;

  std::string Write(const std::string& text, const std::string& name = "promplug.yaml") {
    const std::string path = path_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    files_.push_back(path);
    return path;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

// What a configuration is made from in a test: text of a file, variables, overrides.
struct Sources {
  std::string file;  // empty: no file
  std::map<std::string, std::string> variables;
  StringPairs overrides;
  std::string guess = "guessed-host";
  int* guesses = nullptr;  // counts the calls

  Result<Config> Load() const {
    ConfigDirectory directory;
    ConfigInput input;
    if (!file.empty()) input.path = directory.Write(file);
    input.overrides = overrides;
    input.environment = [this](const char* name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    input.variable_names = [this] {
      std::vector<std::string> names;
      for (const auto& [name, value] : variables) names.push_back(name);
      return names;
    };
    input.guess_instance = [this] {
      if (guesses != nullptr) ++*guesses;
      return guess;
    };
    return LoadConfig(input);
  }
  // The configuration; fails the test where there is none.
  Config Good() const {
    Result<Config> config = Load();
    EXPECT_TRUE(config.ok()) << config.status().text() << "\nin:\n" << file;
    return config.ok() ? config.value() : Config();
  }
  // The text of the error, which has to be kConfig.
  std::string Error() const {
    const Result<Config> config = Load();
    EXPECT_EQ(config.status().code(), Code::kConfig) << "in:\n" << file;
    return config.status().text();
  }
};

inline Sources File(std::string text) {
  Sources sources;
  sources.file = std::move(text);
  return sources;
}
inline Sources Variables(std::map<std::string, std::string> variables) {
  Sources sources;
  sources.variables = std::move(variables);
  return sources;
}
inline Sources Overrides(StringPairs overrides) {
  Sources sources;
  sources.overrides = std::move(overrides);
  return sources;
}

}  // namespace promplug
