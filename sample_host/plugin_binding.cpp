// SPDX-License-Identifier: MIT
#include "plugin_binding.hpp"

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "log.hpp"

namespace sample {
namespace {

using promplug::host::LogLevel;
using promplug::host::Plugin;
using promplug::host::ResponseHead;
using promplug::host::Scrape;
using Progress = promplug::host::Scrape::Progress;

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

// A scrape under way on a thread of the server, which may wait.
class ScrapeInProgress {
 public:
  // False: the request is not for the plugin.
  bool Begin(Plugin& plugin, const promplug::host::Request& request) {
    auto begun = plugin.BeginScrape(request, [this] { Notify(); });
    if (!begun) LogLine(std::string("a scrape failed: ") + begun.error().what());
    failed_ = !begun;
    if (begun) scrape_ = std::move(*begun);
    return failed_ || scrape_.handled();
  }

  Progress Head(ResponseHead* head) {
    if (failed_) return Progress::kFailed;
    return Wait([&] { return scrape_.Head(head); });
  }

  // One more piece of the body. False: abort the connection.
  bool Write(httplib::DataSink& sink) {
    size_t n = 0;
    switch (Wait([&] { return scrape_.Read(buffer_.data(), buffer_.size(), &n); })) {
      case Progress::kOk:
        return sink.write(buffer_.data(), n);
      case Progress::kEnd:
        sink.done();
        return true;
      default:
        return false;
    }
  }

 private:
  // The plugin has its own deadline; this one holds whatever it does.
  static constexpr std::chrono::seconds kLongestWait{60};

  void Notify() {
    const std::lock_guard lock(mutex_);
    ready_ = true;
    changed_.notify_one();
  }

  template <class F>
  Progress Wait(const F& step) {
    for (;;) {
      const Progress progress = step();
      if (progress != Progress::kAgain) return progress;
      std::unique_lock lock(mutex_);
      if (!changed_.wait_for(lock, kLongestWait, [this] { return ready_; })) {
        return Progress::kFailed;
      }
      ready_ = false;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false;  // guarded by mutex_
  bool failed_ = false;
  std::array<char, 65536> buffer_;
  Scrape scrape_;  // last, so that it ends before what its ready function uses
};

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

void SetBody(const ResponseHead& head, const std::string& content_type,
             const std::shared_ptr<ScrapeInProgress>& scrape, httplib::Response& response) {
  if (head.content_length < 0) {
    response.set_chunked_content_provider(
        content_type, [scrape](size_t, httplib::DataSink& sink) { return scrape->Write(sink); });
  } else if (head.content_length > 0) {
    response.set_content_provider(
        static_cast<size_t>(head.content_length), content_type,
        [scrape](size_t, size_t, httplib::DataSink& sink) { return scrape->Write(sink); });
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
  const auto scrape = std::make_shared<ScrapeInProgress>();
  if (!scrape->Begin(plugin_, MakeRequest(request))) return false;
  // cpp-httplib would compress once more what the plugin has compressed, because this header asks
  // for it. The request is its own and not constant.
  const_cast<httplib::Headers&>(request.headers).erase("Accept-Encoding");
  ResponseHead head;
  if (scrape->Head(&head) != Progress::kOk) {
    response.status = 500;
    return true;
  }
  response.status = head.status;
  std::string content_type;
  for (const auto& [name, value] : head.headers) {
    if (name == "Content-Type") {
      content_type = value;
    } else {
      response.set_header(name, value);
    }
  }
  SetBody(head, content_type, scrape, response);
  return true;
}

}  // namespace sample
