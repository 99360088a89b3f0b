// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <variant>

namespace sample {

// What the server reads from its own file; README.md describes the keys.
struct HostConfig {
  std::string listen_host = "127.0.0.1";
  uint16_t listen_port = 8000;  // 0: any free one
  std::string plugin;           // empty: no metrics
  std::string plugin_config;    // empty: none
  uint32_t threads = 8;
  std::chrono::milliseconds slow{250};
  std::chrono::milliseconds stop_timeout{5000};
};

struct ConfigError {
  std::string text;  // "FILE:LINE: what is wrong and what is expected"
};

std::variant<HostConfig, ConfigError> LoadHostConfig(const std::string& path);

}  // namespace sample
