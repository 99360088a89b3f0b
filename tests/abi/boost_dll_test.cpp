// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <boost/dll/shared_library.hpp>

#include "promplug/promplug.h"

namespace {

promplug_handshake Handshake() {
  promplug_handshake hands{};
  hands.struct_size = sizeof hands;
  hands.abi_major = PROMPLUG_ABI_MAJOR;
  hands.abi_minor = PROMPLUG_ABI_MINOR;
  return hands;
}

TEST(BoostDllTest, ThePluginIsLoadedAndCountsThroughAnotherLoader) {
  const boost::dll::shared_library library(
      PROMPLUG_SO, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  ASSERT_TRUE(library.has(PROMPLUG_ENTRY_NAME));
  const auto& entry = library.get<const promplug_api*(promplug_handshake*)>(PROMPLUG_ENTRY_NAME);
  auto hands = Handshake();
  const promplug_api* api = entry(&hands);
  ASSERT_NE(api, nullptr) << hands.text;
  EXPECT_EQ(hands.result, PROMPLUG_OK);

  promplug_options options{};
  options.struct_size = sizeof options;
  options.flags = PROMPLUG_F_NO_ENV | PROMPLUG_F_NO_LISTENER;
  promplug_instance* plugin = nullptr;
  promplug_error error{};
  ASSERT_EQ(api->create(nullptr, &options, &plugin, &error), PROMPLUG_OK) << error.text;
  ASSERT_EQ(api->start(plugin, &error), PROMPLUG_OK) << error.text;
  promplug_family_desc desc{};
  desc.struct_size = sizeof desc;
  desc.type = PROMPLUG_COUNTER;
  desc.name = PROMPLUG_S("events_total");
  promplug_family* family = nullptr;
  ASSERT_EQ(api->family(plugin, &desc, &family, &error), PROMPLUG_OK) << error.text;
  promplug_metric* metric = nullptr;
  ASSERT_EQ(api->metric(family, nullptr, 0, &metric, &error), PROMPLUG_OK) << error.text;
  api->counter_inc(metric);
  promplug_status status{};
  status.struct_size = sizeof status;
  EXPECT_EQ(api->status(plugin, &status), PROMPLUG_OK);
  EXPECT_GE(status.series, 1u);
  api->metric_release(metric);
  EXPECT_EQ(api->stop(plugin, 10000, &error), PROMPLUG_OK) << error.text;
  EXPECT_EQ(api->destroy(plugin), PROMPLUG_OK);
}

TEST(BoostDllTest, AnythingButTheEntryIsHidden) {
  const boost::dll::shared_library library(PROMPLUG_SO);
  EXPECT_FALSE(library.has("promplug_create"));
  EXPECT_FALSE(library.has("curl_easy_init"));
}

}  // namespace
