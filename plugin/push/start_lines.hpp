// SPDX-License-Identifier: MIT
#pragma once

#include "base/log.hpp"
#include "config/config.hpp"

namespace promplug {

// Says at start whether push is on, and of what, or why not.
//   Pushgateway enabled: url=http://pushgateway:9091 interval=30s job=photo-api instance=10.0.0.5
//   Pushgateway groups: labels={zone="eu-1"} on_stop=push forward=[node_exporter]
//   Pushgateway disabled (<reason>)
void LogPushState(const Config& config, const Log& log);

}  // namespace promplug
