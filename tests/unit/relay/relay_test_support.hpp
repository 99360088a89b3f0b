// SPDX-License-Identifier: MIT
#pragma once

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include "config/config.hpp"
#include "relay/relay.hpp"
#include "support/canned_http_client.hpp"

namespace promplug::testing {

inline std::string ReadData(const std::string& name) {
  std::ifstream in(std::string(PROMPLUG_TEST_DATA "/") + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline constexpr const char* kNodeExporterFiles[] = {"node_exporter_all_collectors.txt",
                                                     "node_exporter_default.txt",
                                                     "node_exporter_filter.txt",
                                                     "node_exporter_openmetrics.txt",
                                                     "node_exporter_textfile.txt",
                                                     "node_exporter_textfile_broken.txt",
                                                     "node_exporter_textfile_clash.txt",
                                                     "node_exporter_textfile_ts.txt",
                                                     "node_exporter_textfile_two_instances.txt"};

inline ForwardConfig NodeExporterConfig() {
  ForwardConfig config;
  config.job = "node_exporter";
  config.url = "http://127.0.0.1:9100/metrics";
  return config;
}

// A relay with its client, and what came out of it.
struct RelayRig {
  explicit RelayRig(const ForwardConfig& config = NodeExporterConfig(), SelfMetrics* self = nullptr)
      : relay(NewRelay(config, &client, self)) {}

  RelayOutcome ReadOnce(std::string_view body) {
    client.body = body;
    out.clear();
    return relay->Read(exclude, std::chrono::seconds(3), [this](std::string_view piece) {
      out.append(piece);
      return true;
    });
  }
  // As one who pushes would: once again where that helps.
  RelayOutcome Read(std::string_view body) {
    const RelayOutcome outcome = ReadOnce(body);
    return outcome.read_again ? ReadOnce(body) : outcome;
  }
  // What comes out of a body that is whole and valid.
  std::string Clean(std::string_view body) {
    const RelayOutcome outcome = Read(body);
    return outcome.kind == RelayOutcome::Kind::kClean ? out : "not clean: " + outcome.text;
  }

  CannedHttpClient client;
  std::unique_ptr<Relay> relay;
  std::set<std::string> exclude;
  std::string out;
};

}  // namespace promplug::testing
