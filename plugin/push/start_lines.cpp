// SPDX-License-Identifier: MIT
#include "push/start_lines.hpp"

#include <string>
#include <string_view>

#include "base/text.hpp"

namespace promplug {
namespace {

std::string_view Name(OnStop on_stop) {
  switch (on_stop) {
    case OnStop::kPush:
      return "push";
    case OnStop::kDelete:
      return "delete";
    default:
      return "none";
  }
}

std::string Groups(const Config& config) {
  std::string text = "Pushgateway groups: labels={";
  std::string_view comma;
  for (const auto& [name, value] : config.pushgateway.labels) {
    text.append(comma).append(name).append("=").append(Quoted(value));
    comma = ",";
  }
  text.append("} on_stop=").append(Name(config.pushgateway.on_stop)).append(" forward=[");
  comma = {};
  for (const ForwardConfig& forward : config.forward) {
    text.append(comma).append(forward.job);
    comma = ",";
  }
  return text.append("]");
}

}  // namespace

void LogPushState(const Config& config, const Log& log) {
  const PushgatewayConfig& to = config.pushgateway;
  if (to.url.empty()) {
    log.Info("Pushgateway disabled (" + config.push_off_reason + ")");
    return;
  }
  log.Info("Pushgateway enabled: url=" + RedactUrl(to.url) + " interval=" +
           std::to_string(to.interval_seconds) + "s job=" + to.job + " instance=" + to.instance);
  log.Info(Groups(config));
}

}  // namespace promplug
