// SPDX-License-Identifier: MIT
// Series that come and go.
#include <gmock/gmock.h>
#include <poll.h>

#include <chrono>
#include <functional>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Whether a scrape says what is wanted, now or within twenty seconds.
bool Becomes(Host& host, const std::function<bool(const std::string&)>& wanted) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!wanted(host.Get())) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    poll(nullptr, 0, 20);
  }
  return true;
}

bool Has(const std::string& body, std::string_view text) {
  return body.find(text) != std::string::npos;
}

TEST(SoExpiryTest, AnIdleSeriesGoesAndItsHandleBringsItBackFromZero) {
  Host host({{S("limits.series_expiry_seconds"), S("1")}});
  host.Start();
  promplug_metric* metric = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
  Api()->counter_add(metric, 41);
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total 41\n"));
  EXPECT_TRUE(Becomes(host, [](const std::string& body) { return !Has(body, "\nc_total "); }));
  EXPECT_TRUE(Becomes(host, [](const std::string& body) {
    return Has(body, "\npromplug_series_expired_total 1\n");
  }));
  Api()->counter_inc(metric);
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total 1\n"));
}

TEST(SoExpiryTest, AReloadTurnsItOnAndOff) {
  Host host;
  host.Start();
  promplug_metric* metric = host.Metric(host.Family(PROMPLUG_GAUGE, "g"));
  Api()->gauge_set(metric, 1);
  const auto reload = [&host](const char* seconds) {
    const promplug_kv expiry = {S("limits.series_expiry_seconds"), S(seconds)};
    promplug_options options = {};
    options.struct_size = sizeof options;
    options.flags = PROMPLUG_F_NO_ENV;
    options.overrides = &expiry;
    options.n_overrides = 1;
    return Api()->reload(host.p, &options, &host.err);
  };
  ASSERT_EQ(reload("1"), PROMPLUG_OK) << host.err.text;
  EXPECT_TRUE(Becomes(host, [](const std::string& body) { return !Has(body, "\ng 1\n"); }));
  EXPECT_EQ(reload("soon"), PROMPLUG_E_CONFIG);
  ASSERT_EQ(reload("0"), PROMPLUG_OK) << host.err.text;
  Api()->gauge_set(metric, 1);
  EXPECT_THAT(host.Get(), HasSubstr("\ng 1\n"));
}

TEST(SoLimitTest, WhatAFamilyRefusesIsCountedByFamilyAndSaidOnce) {
  Host host({{S("limits.max_series_per_family"), S("2")}});
  host.Start();
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total", {S("id")});
  for (const char* id : {"a", "b", "c", "d"}) {
    const promplug_str value = S(id);
    (void)Api()->update(family, &value, 1, PROMPLUG_OP_ADD, 1, nullptr);
  }
  const promplug_str two[] = {S("a"), S("b")};
  EXPECT_EQ(Api()->update(family, two, 2, PROMPLUG_OP_ADD, 1, nullptr), PROMPLUG_E_INVAL);
  EXPECT_TRUE(Becomes(host, [](const std::string& body) {
    return Has(body,
               "\npromplug_family_series_refused_total{family=\"c_total\",reason=\"limit\"} 2\n") &&
           Has(body,
               "\npromplug_family_series_refused_total{family=\"c_total\",reason=\"labels\"} "
               "1\n") &&
           Has(body, "\npromplug_family_series{family=\"c_total\"} 2\n");
  }));
  EXPECT_EQ(host.Status().series_refused, 3u);
  EXPECT_THAT(host.Log(), Contains(HasSubstr("\"c_total\" has reached its limit of 2 series")));
  EXPECT_THAT(host.Log(), Contains(HasSubstr("2 label values for 1 label names")));
}

TEST(SoRemovalTest, MatchesSomeLabelsAllOfThemOrNone) {
  Host host;
  host.Start();
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total", {S("a"), S("b")});
  for (const char* a : {"1", "2"}) {
    for (const char* b : {"x", "y", ""}) {
      const promplug_str values[] = {S(a), S(b)};
      EXPECT_EQ(Api()->update(family, values, 2, PROMPLUG_OP_ADD, 1, nullptr), PROMPLUG_OK);
    }
  }
  const auto remove = [family](std::vector<promplug_kv> labels) {
    uint64_t removed = 99;
    EXPECT_EQ(Api()->remove_matching(family, labels.data(), labels.size(), &removed), PROMPLUG_OK);
    return removed;
  };
  EXPECT_EQ(remove({{S("b"), S("z")}}), 0u);
  EXPECT_EQ(remove({{S("nowhere"), S("x")}}), 0u);
  EXPECT_EQ(remove({{S("b"), S("x")}, {S("b"), S("y")}}), 0u);
  EXPECT_EQ(remove({{S("b"), S("x")}, {S("a"), S("1")}}), 1u);
  EXPECT_EQ(remove({{S("b"), S("")}}), 2u);
  EXPECT_EQ(remove({{S("a"), S("2")}}), 2u);
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total{a=\"1\",b=\"y\"} 1\n"));
  EXPECT_EQ(remove({}), 1u);
  EXPECT_EQ(remove({}), 0u);
  EXPECT_THAT(host.Get(), Not(HasSubstr("\nc_total{")));
  EXPECT_EQ(host.Status().series, 0u);
}

TEST(SoRemovalTest, AlsoTakesWhatAHostCellHasCountedSinceAnEarlierRemoval) {
  Host host;
  host.Start();
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total");
  promplug_metric* metric = host.Metric(family);
  uint64_t* cell = nullptr;
  ASSERT_EQ(Api()->counter_cell(metric, PROMPLUG_CELL_SHARED, &cell, &host.err), PROMPLUG_OK);
  EXPECT_EQ(Api()->metric_remove(metric), PROMPLUG_OK);
  EXPECT_EQ(Api()->metric_remove(metric), PROMPLUG_OK);
  promplug_cell_add_shared(cell, 5);
  uint64_t removed = 0;
  EXPECT_EQ(Api()->remove_matching(family, nullptr, 0, &removed), PROMPLUG_OK);
  EXPECT_EQ(removed, 1u);
  EXPECT_THAT(host.Get(), Not(HasSubstr("\nc_total ")));
  promplug_cell_add_shared(cell, 2);
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total 2\n"));
  EXPECT_EQ(Api()->cell_release(metric, cell), PROMPLUG_OK);
}

}  // namespace
}  // namespace so_test
