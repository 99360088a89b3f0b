// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.hpp"
#include "config/config.hpp"

namespace promplug {

// What the configuration is made from; the functions are the outside world, so that tests give
// their own.
struct ConfigInput {
  // Path of the YAML file; empty: PROMPLUG_CONFIG names it, or there is none.
  std::string path;
  // Dotted keys as in docs/config.md, and "pushgateway.labels.NAME", "pushgateway.headers.NAME";
  // they win over the environment, which wins over the file. Of two for one key the later counts.
  // Lists and maps are written as YAML.
  StringPairs overrides;
  // The value of an environment variable. Empty function: no environment.
  std::function<std::optional<std::string>(const char* name)> environment;
  // The names of all environment variables; unknown ones that begin with PROMPLUG_ are warned of.
  // Empty function: none are looked for.
  std::function<std::vector<std::string>()> variable_names;
  // The instance where push is on and none is configured: the private IPv4 of the interface that
  // routes out, else the host name; never the address of a container bridge.
  std::function<std::string()> guess_instance;
};

// The environment of this process and GuessInstance(). Its functions read the environment when
// they are called: while no other thread of the host changes it.
ConfigInput SystemConfigInput();
// Looks at the routes and interfaces of this machine; sends nothing. Empty: nothing was found.
std::string GuessInstance();

// Reads and checks everything; opens nothing but the file, and does not wait on it. Every source is
// checked, also what another one overrides. On kConfig the text names the source (file and line,
// variable, or override), the key, the value and what is expected; a credential is never quoted.
// kNoMemory.
Result<Config> LoadConfig(const ConfigInput& input);

}  // namespace promplug
