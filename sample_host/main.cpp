// SPDX-License-Identifier: MIT
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <variant>

#include "app_metrics.hpp"
#include "host_config.hpp"
#include "http_server.hpp"
#include "log.hpp"
#include "photo_store.hpp"
#include "plugin_binding.hpp"
#include "thumbnail_queue.hpp"

namespace sample {
namespace {

constexpr char kHelp[] =
    "usage: sample_host [--config FILE]\n"
    "A photo server that loads promplug.so. The file has lines KEY = VALUE, # begins a comment:\n"
    "  listen           HOST:PORT, default 127.0.0.1:8000; port 0 takes any free one\n"
    "  plugin           path of promplug.so; none: no metrics\n"
    "  plugin_config    path of the plugin's YAML file\n"
    "  threads          threads that answer requests, default 8\n"
    "  slow_ms          how long /slow takes, default 250\n"
    "  stop_timeout_ms  how long stopping the plugin may take, default 5000\n"
    "Relative paths are relative to the directory of the file.\n";

// Blocked here, before there are threads, so that every thread inherits it and only
// HandleSignals() gets them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Returns when the server is to stop.
void HandleSignals(const sigset_t& signals, PluginBinding& binding) {
  for (int signal = 0; sigwait(&signals, &signal) == 0;) {
    if (signal != SIGHUP) return;
    binding.Reload();
  }
}

std::string Address(const std::string& host, uint16_t port) {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

int Serve(const HostConfig& config) {
  const sigset_t signals = BlockSignals();
  const auto registry = std::make_shared<prometheus::Registry>();
  PhotoStore store(*registry);
  ThumbnailQueue thumbnails(*registry);
  PluginBinding binding(config);
  AppMetrics metrics(binding.plugin(), store, thumbnails, registry);
  HttpServer server(config, store, thumbnails, metrics, binding);
  const uint16_t port = server.Bind();
  if (port == 0) {
    LogLine("cannot listen on " + Address(config.listen_host, config.listen_port) +
            ": the address is in use or not of this machine");
    return EXIT_FAILURE;
  }
  binding.Start();
  LogLine("listening on " + Address(config.listen_host, port));
  bool served = false;
  std::atomic<bool> ended{false};
  std::thread serving([&] {
    served = server.Run();
    ended = true;
    // Run() ends by itself only when accepting fails; then the main thread is still waiting.
    if (!served) kill(getpid(), SIGTERM);
  });
  HandleSignals(signals, binding);
  LogLine("stopping");
  while (!ended && !server.Stop()) std::this_thread::yield();
  serving.join();
  binding.Stop();
  return served ? EXIT_SUCCESS : EXIT_FAILURE;
}

int Main(int argc, char** argv) {
  HostConfig config;
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    (void)std::fputs(kHelp, stdout);
    return EXIT_SUCCESS;
  }
  if (argc == 3 && std::string_view(argv[1]) == "--config") {
    auto loaded = LoadHostConfig(argv[2]);
    if (const auto* error = std::get_if<ConfigError>(&loaded)) {
      LogLine(error->text);
      return EXIT_FAILURE;
    }
    config = std::get<HostConfig>(loaded);
  } else if (argc != 1) {
    (void)std::fputs(kHelp, stderr);
    return EXIT_FAILURE;
  }
  return Serve(config);
}

}  // namespace
}  // namespace sample

int main(int argc, char** argv) {
  try {
    return sample::Main(argc, argv);
  } catch (const std::exception& e) {
    sample::LogLine(std::string("sample_host ends: ") + e.what());
    return EXIT_FAILURE;
  }
}
