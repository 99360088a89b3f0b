// SPDX-License-Identifier: MIT
#include "config/finish.hpp"

#include "base/text.hpp"
#include "config/forward.hpp"

namespace promplug {
namespace {

// nullptr where no source gave the key.
const Given* Find(const Draft& draft, std::string_view key) {
  const auto found = draft.given.find(key);
  return found == draft.given.end() ? nullptr : &found->second;
}

Status Conflict(const Draft& draft, std::string_view key, std::string_view expected) {
  const Given* given = Find(draft, key);
  if (given == nullptr) return ValueError("default", key, "not given", expected);
  return ValueError(given->where, key, given->shown, expected);
}

std::string ForwardKeyName(size_t index, std::string_view key) {
  return ("forward[" + std::to_string(index) + "].").append(key);
}

void RaiseInterval(Draft& draft) {
  uint32_t& interval = draft.config.pushgateway.interval_seconds;
  if (interval >= kMinPushIntervalSeconds) return;
  interval = kMinPushIntervalSeconds;
  const Given* given = Find(draft, "pushgateway.interval_seconds");
  if (given == nullptr) return;
  draft.config.warnings.push_back(given->where + ": pushgateway.interval_seconds: " + given->shown +
                                  " is below the floor of 15 seconds, 15 is used");
}

Status CheckTimeouts(const Draft& draft) {
  const Config& config = draft.config;
  const std::string expected = "a timeout below pushgateway.interval_seconds, which is " +
                               std::to_string(config.pushgateway.interval_seconds);
  if (config.pushgateway.timeout_seconds >= config.pushgateway.interval_seconds) {
    return Conflict(draft, "pushgateway.timeout_seconds", expected);
  }
  for (size_t i = 0; i < config.forward.size(); ++i) {
    if (config.forward[i].timeout_seconds >= config.pushgateway.interval_seconds) {
      return Conflict(draft, ForwardKeyName(i, "timeout_seconds"), expected);
    }
  }
  return {};
}

// Two pushes to one group would replace each other for ever.
Status CheckGroups(const Draft& draft) {
  const Config& config = draft.config;
  for (size_t i = 0; i < config.forward.size(); ++i) {
    const std::string key = ForwardKeyName(i, "job");
    if (config.forward[i].job == config.pushgateway.job) {
      return Conflict(draft, Find(draft, key) != nullptr ? key : "pushgateway.job",
                      "another job than " + Quoted(config.pushgateway.job) +
                          ": the pushes of the application and of this exporter would replace "
                          "each other");
    }
    for (size_t j = 0; j < i; ++j) {
      if (config.forward[i].job == config.forward[j].job) {
        return Conflict(draft, key,
                        "another job than " + Quoted(config.forward[j].job) + " of forward[" +
                            std::to_string(j) + "]: their pushes would replace each other");
      }
    }
  }
  return {};
}

// Where the Pushgateway shows itself, which is hardly ever a prefix of its own.
void WarnOfMetricsUrl(Draft& draft) {
  if (!draft.config.pushgateway.url.ends_with("/metrics")) return;
  const Given* given = Find(draft, "pushgateway.url");
  draft.config.warnings.push_back(
      given->where + ": pushgateway.url: " + given->shown +
      " ends in /metrics, to which /metrics/job/... is added; is the base URL meant, like "
      "http://pushgateway:9091?");
}

void SayWhyPushIsOff(Draft& draft) {
  const Given* given = Find(draft, "pushgateway.url");
  std::string& reason = draft.config.push_off_reason;
  if (given == nullptr) {
    reason = "pushgateway.url is not set";
  } else if (given->where.starts_with(kVariable)) {
    reason = given->where.substr(kVariable.size()) + " is empty";
  } else {
    reason = given->where + ": pushgateway.url is empty";
  }
}

Status GuessMissingInstance(Draft& draft, const ConfigInput& input) {
  std::string& instance = draft.config.pushgateway.instance;
  if (!instance.empty()) return {};
  const std::string guess = input.guess_instance ? input.guess_instance() : "";
  if (guess.empty() || !IsValidUtf8(guess)) {
    return {Code::kConfig,
            "pushgateway.instance: not set, and neither an address nor a host name was found, "
            "expected INSTANCE_IP or pushgateway.instance"};
  }
  instance = guess;
  const bool is_empty = input.environment && input.environment("INSTANCE_IP").has_value();
  draft.config.warnings.push_back(
      (is_empty ? "INSTANCE_IP is empty" : "INSTANCE_IP and pushgateway.instance are not set") +
      (", the instance was guessed: " + Quoted(guess)) +
      "; set INSTANCE_IP to a value that no other machine has");
  return {};
}

}  // namespace

Result<Config> Finish(Draft draft, const ConfigInput& input) {
  if (Find(draft, "forward") == nullptr) draft.config.forward = {DefaultForward()};
  RaiseInterval(draft);
  Status status = CheckTimeouts(draft);
  if (status.ok()) status = CheckGroups(draft);
  if (!status.ok()) return status;
  if (draft.config.pushgateway.url.empty()) {
    SayWhyPushIsOff(draft);
  } else {
    WarnOfMetricsUrl(draft);
    status = GuessMissingInstance(draft, input);
    if (!status.ok()) return status;
  }
  return std::move(draft.config);
}

}  // namespace promplug
