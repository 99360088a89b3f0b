// SPDX-License-Identifier: MIT
#pragma once

#include <httplib.h>

#include <promplug/promplug.hpp>

#include "host_config.hpp"

namespace sample {

// The plugin in this server: loads it as the configuration says and answers its scrapes. Where it
// cannot be loaded, one line in the log says why, and the server runs without.
class PluginBinding {
 public:
  explicit PluginBinding(const HostConfig& config);

  promplug::host::Plugin& plugin() { return plugin_; }

  // The three are for the main thread.
  void Start();
  void Reload();
  void Stop();

  // Answers the request where it is a scrape of the plugin's; false: it is the server's own.
  // Thread-safe.
  bool Answer(const httplib::Request& request, httplib::Response& response);

 private:
  promplug::host::Plugin plugin_;
  std::chrono::milliseconds stop_timeout_;
};

}  // namespace sample
