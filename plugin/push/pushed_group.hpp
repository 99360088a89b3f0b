// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "config/config.hpp"

namespace promplug {

// A group that this process has pushed for an exporter, and that is still at the Pushgateway.
struct PushedGroup {
  std::string gateway;  // as PushgatewayConfig::url
  std::string path;     // as of GroupPath()
  std::string job;
  WhenGone when_gone = WhenGone::kDelete;
};

}  // namespace promplug
