// SPDX-License-Identifier: MIT
// Any bytes as the configuration: the file, then, each behind a NUL, NAME=value with a dotted name
// for an override and another one for a variable of the environment.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "config/load.hpp"

namespace promplug {
namespace {

void Require(bool holds) {
  if (!holds) abort();
}

// A regular file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : fd_(memfd_create("config", MFD_CLOEXEC)) {
    Require(fd_ >= 0);
    Require(write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    path_ = "/proc/self/fd/" + std::to_string(fd_);
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

// What everybody behind the configuration relies on.
void CheckConfig(const Config& config) {
  const PushgatewayConfig& to = config.pushgateway;
  Require(to.interval_seconds >= kMinPushIntervalSeconds);
  Require(to.timeout_seconds > 0 && to.timeout_seconds < to.interval_seconds);
  Require(to.url.empty() == !config.push_off_reason.empty());
  Require(to.url.empty() || to.url.starts_with("http://") || to.url.starts_with("https://"));
  Require(to.url.empty() || !to.instance.empty());
  Require(!to.job.empty() && IsValidUtf8(to.job) && IsValidUtf8(to.instance));
  for (const auto& [name, value] : to.labels) {
    Require(IsValidLabelName(name) && !value.empty() && IsValidUtf8(value));
  }
  std::set<std::string> jobs = {to.job};
  for (const ForwardConfig& forward : config.forward) {
    Require(jobs.insert(forward.job).second && !forward.job.empty() && !forward.url.empty());
  }
  Require(config.scrape.path.starts_with('/'));
  for (const std::string& warning : config.warnings) Require(!warning.empty());
}

void Load(std::string_view input) {
  const MemoryFile file(input.substr(0, input.find('\0')));
  std::map<std::string, std::string> variables;
  ConfigInput sources;
  sources.path = file.path();
  while (input.find('\0') != std::string_view::npos) {
    input.remove_prefix(input.find('\0') + 1);
    const std::string_view part = input.substr(0, input.find('\0'));
    const std::string name(part.substr(0, part.find('=')));
    const std::string value(name.size() == part.size() ? "" : part.substr(name.size() + 1));
    if (name.find('.') != std::string::npos) {
      sources.overrides.emplace_back(name, value);
    } else {
      variables[name] = value;
    }
  }
  sources.environment = [&](const char* name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  sources.variable_names = [&] {
    std::vector<std::string> names;
    for (const auto& [name, value] : variables) names.push_back(name);
    return names;
  };
  sources.guess_instance = [] { return "guessed"; };
  const Result<Config> config = LoadConfig(sources);
  if (config.ok()) {
    CheckConfig(config.value());
  } else {
    Require(config.status().code() == Code::kConfig);
    Require(!config.status().text().empty());
    Require(config.status().text().find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace promplug

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  promplug::Load({reinterpret_cast<const char*>(data), size});
  return 0;
}
