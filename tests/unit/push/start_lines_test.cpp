// SPDX-License-Identifier: MIT
#include "push/start_lines.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/push/fakes.hpp"

namespace promplug {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Said(const Config& config) {
  test::LogLines lines;
  LogPushState(config, Log(lines.Sink()));
  return lines.Take();
}

TEST(LogPushState, SaysWhereToAndWhat) {
  Config config = test::PushConfig();
  config.pushgateway.url = "http://pushgateway:9091";
  EXPECT_THAT(Said(config),
              ElementsAre("info Pushgateway enabled: url=http://pushgateway:9091 interval=30s "
                          "job=photo-api instance=10.0.0.5",
                          "info Pushgateway groups: labels={} on_stop=push forward=[]"));
  config.pushgateway.labels = {{"zone", "eu-1"}, {"shard", "a b"}};
  config.pushgateway.on_stop = OnStop::kDelete;
  config.forward.resize(2);
  config.forward[0].job = "node_exporter";
  config.forward[1].job = "mysqld";
  EXPECT_EQ(Said(config).at(1),
            "info Pushgateway groups: labels={zone=\"eu-1\",shard=\"a b\"} on_stop=delete "
            "forward=[node_exporter,mysqld]");
}

TEST(LogPushState, ShowsNoCredentials) {
  Config config = test::PushConfig();
  config.pushgateway.url = "http://me:secret@pushgateway:9091";
  EXPECT_EQ(Said(config).at(0),
            "info Pushgateway enabled: url=http://xxxxx@pushgateway:9091 interval=30s "
            "job=photo-api instance=10.0.0.5");
}

TEST(LogPushState, SaysWhyPushIsOff) {
  Config config;
  config.push_off_reason = "pushgateway.url is empty";
  EXPECT_THAT(Said(config), ElementsAre("info Pushgateway disabled (pushgateway.url is empty)"));
}

}  // namespace
}  // namespace promplug
