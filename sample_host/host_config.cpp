// SPDX-License-Identifier: MIT
#include "host_config.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>

namespace sample {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

template <class T>
bool ParseNumber(std::string_view text, T min, T max, T* out) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (number < min || number > max) return false;
  *out = number;
  return true;
}

bool ParseMilliseconds(std::string_view text, std::chrono::milliseconds* out) {
  uint32_t number = 0;
  if (!ParseNumber<uint32_t>(text, 0, 3600'000, &number)) return false;
  *out = std::chrono::milliseconds(number);
  return true;
}

bool ParseListen(std::string_view text, HostConfig* config) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  config->listen_host = host;
  return ParseNumber<uint16_t>(text.substr(colon + 1), 0, 65535, &config->listen_port);
}

// What was expected instead, where the key or its value is not acceptable.
std::optional<std::string> Apply(std::string_view key, std::string_view value,
                                 const std::filesystem::path& directory, HostConfig* config) {
  const auto expect = [](bool good, const char* what) {
    return good ? std::nullopt : std::optional<std::string>(what);
  };
  if (key == "listen") return expect(ParseListen(value, config), "HOST:PORT");
  if (key == "threads") {
    return expect(ParseNumber<uint32_t>(value, 1, 256, &config->threads), "a number, 1 to 256");
  }
  if (key == "slow_ms") {
    return expect(ParseMilliseconds(value, &config->slow), "milliseconds, 0 to 3600000");
  }
  if (key == "stop_timeout_ms") {
    return expect(ParseMilliseconds(value, &config->stop_timeout), "milliseconds, 0 to 3600000");
  }
  std::string* path = key == "plugin"          ? &config->plugin
                      : key == "plugin_config" ? &config->plugin_config
                                               : nullptr;
  if (path == nullptr) {
    return "one of listen, plugin, plugin_config, threads, slow_ms, stop_timeout_ms";
  }
  if (value.empty()) return "a path";
  *path = (directory / value).lexically_normal().string();
  return std::nullopt;
}

}  // namespace

std::variant<HostConfig, ConfigError> LoadHostConfig(const std::string& path) {
  std::ifstream file(path);
  if (!file) return ConfigError{path + ": cannot be read"};
  const auto directory = std::filesystem::absolute(path).parent_path();
  HostConfig config;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    const std::string_view text = Trim(std::string_view(line).substr(0, line.find('#')));
    if (text.empty()) continue;
    const std::string where = path + ":" + std::to_string(number) + ": ";
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return ConfigError{where + "expected KEY = VALUE"};
    const auto key = Trim(text.substr(0, equals));
    const auto value = Trim(text.substr(equals + 1));
    if (const auto expected = Apply(key, value, directory, &config)) {
      return ConfigError{where + std::string(key) + " = " + std::string(value) + ": expected " +
                         *expected};
    }
  }
  if (file.bad()) return ConfigError{path + ": cannot be read"};
  return config;
}

}  // namespace sample
