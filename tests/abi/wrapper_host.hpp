// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "promplug/promplug.hpp"

namespace promplug::host {

// A plugin that is not touched by the environment or a file.
inline Options TestOptions() {
  Options options;
  options.no_environment = true;
  options.log = [](LogLevel, std::string_view) {};
  return options;
}

inline Plugin RunningPlugin(Options options = TestOptions()) {
  auto plugin = Plugin::Load(PROMPLUG_SO, std::move(options)).OrThrow();
  plugin.Start().OrThrow();
  return plugin;
}

// What a scrape of /metrics says.
inline std::string Exposition(Plugin& plugin) {
  auto response = plugin.Handle(Request()).OrThrow();
  EXPECT_TRUE(response.has_value());
  if (!response) return {};
  EXPECT_EQ(response->head.status, 200);
  return response->body;
}

}  // namespace promplug::host
