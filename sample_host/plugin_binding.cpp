// SPDX-License-Identifier: MIT
#include "plugin_binding.hpp"

#include <string>
#include <string_view>
#include <utility>

#include "log.hpp"

namespace sample {
namespace {

using promplug::host::LogLevel;
using promplug::host::Plugin;
using promplug::host::ResponseHead;

std::string_view LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarn:
      return "warning";
    default:
      return "error";
  }
}

Plugin LoadPlugin(const HostConfig& config) {
  if (config.plugin.empty()) {
    LogLine("no plugin is configured, serving without metrics");
    return Plugin();
  }
  promplug::host::Options options;
  options.config_path = config.plugin_config;
  options.host_name = "sample_host";
  options.stop_timeout = config.stop_timeout;
  options.log = [](LogLevel level, std::string_view text) {
    LogLine("promplug " + std::string(LevelName(level)) + ": " + std::string(text));
  };
  auto loaded = Plugin::Load(config.plugin, std::move(options));
  if (!loaded) LogLine(std::string("serving without metrics: ") + loaded.error().what());
  return std::move(loaded).ValueOr(Plugin());
}

promplug::host::Request MakeRequest(const httplib::Request& request) {
  promplug::host::Request made;
  made.method = request.method;
  made.path = request.path;
  const std::string_view target = request.target;
  const size_t question = target.find('?');
  if (question != std::string_view::npos) made.query = target.substr(question + 1);
  for (const auto& [name, value] : request.headers) made.headers.push_back({name, value});
  made.peer = request.remote_addr;
  made.need_length = request.version == "HTTP/1.0";  // It has no chunks.
  return made;
}

// A HEAD has the head of a GET; cpp-httplib does not ask for its body.
void SetHeadOnly(const ResponseHead& head, const std::string& content_type,
                 httplib::Response& response) {
  if (head.content_length < 0) {
    response.set_chunked_content_provider(content_type,
                                          [](size_t, httplib::DataSink&) { return false; });
  } else if (head.content_length > 0) {
    response.set_content_provider(static_cast<size_t>(head.content_length), content_type,
                                  [](size_t, size_t, httplib::DataSink&) { return false; });
  }
}

}  // namespace

PluginBinding::PluginBinding(const HostConfig& config)
    : plugin_(LoadPlugin(config)), stop_timeout_(config.stop_timeout) {}

void PluginBinding::Start() {
  if (auto started = plugin_.Start(); !started) {
    LogLine(std::string("the plugin started with a problem: ") + started.error().what());
  }
}

void PluginBinding::Reload() {
  if (auto reloaded = plugin_.Reload(); !reloaded) {
    LogLine(std::string("the plugin keeps its configuration: ") + reloaded.error().what());
  } else if (plugin_.loaded()) {
    LogLine("the plugin has read its configuration again");
  }
}

void PluginBinding::Stop() {
  if (auto stopped = plugin_.Stop(stop_timeout_); !stopped) {
    LogLine(std::string("the plugin did not stop in time: ") + stopped.error().what());
  }
}

bool PluginBinding::Answer(const httplib::Request& request, httplib::Response& response) {
  if (!plugin_.loaded()) return false;
  auto answer = plugin_.Handle(MakeRequest(request));
  if (!answer) {
    LogLine(std::string("a scrape failed: ") + answer.error().what());
    response.status = 500;
    return true;
  }
  if (!*answer) return false;
  // cpp-httplib would compress once more what the plugin has compressed, and cut a range out of
  // it, because the request asks for that. The request is its own and not constant.
  auto& served = const_cast<httplib::Request&>(request);
  served.headers.erase("Accept-Encoding");
  served.ranges.clear();
  promplug::host::Response& made = **answer;
  response.status = made.head.status;
  std::string content_type;
  for (const auto& [name, value] : made.head.headers) {
    if (name == "Content-Type") {
      content_type = value;
    } else {
      response.set_header(name, value);
    }
  }
  if (request.method == "HEAD") {
    SetHeadOnly(made.head, content_type, response);
  } else {
    response.set_header("Content-Type", content_type);
    response.body = std::move(made.body);
  }
  return true;
}

}  // namespace sample
