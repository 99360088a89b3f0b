// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.hpp"
#include "config/config.hpp"

namespace promplug {

// What the configuration is made from; the functions are the outside world, so that tests give
// their own.
struct ConfigInput {
  // Path of the YAML file; empty: PROMPLUG_CONFIG names it, or there is none.
  std::string path;
  // Dotted keys as in docs/config.md; they win over the environment, which wins over the file.
  StringPairs overrides;
  // The value of an environment variable. Empty function: no environment.
  std::function<std::optional<std::string>(const char* name)> environment;
  // The instance where none is configured: the private IPv4 of the interface that routes out, else
  // the host name; never the address of a container bridge.
  std::function<std::string()> guess_instance;
};

// The environment of this process and GuessInstance().
ConfigInput SystemConfigInput();
std::string GuessInstance();

// Reads and checks everything; opens nothing but the file. On kConfig the text names the source
// (file and line, variable, or override), the key, the value and what is expected; a credential is
// never quoted.
Result<Config> LoadConfig(const ConfigInput& input);

}  // namespace promplug
