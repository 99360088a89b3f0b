// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "gather/sources.hpp"
#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

using ::testing::ElementsAre;

TEST(ValuesTest, JoinsValuesOfOneNameToAFamily) {
  Bench bench;
  alignas(8) uint64_t u64 = 3;
  alignas(8) int64_t i64 = -4;
  const auto read = [](double* out) {
    *out = 2.5;
    return Status();
  };
  ASSERT_TRUE(bench.sources.RegisterValue(ValueOf("b", {{"x", "1"}}, read)).ok());
  ValueSpec cell = ValueOf("a", {}, nullptr);
  cell.type = MetricType::kCounter;
  cell.cell = &u64;
  cell.cell_type = CellType::kU64;
  ASSERT_TRUE(bench.sources.RegisterValue(cell).ok());
  cell = ValueOf("b", {{"x", "2"}}, nullptr);
  cell.cell = &i64;
  cell.cell_type = CellType::kI64;
  ASSERT_TRUE(bench.sources.RegisterValue(cell).ok());
  // Cells need no thread.
  EXPECT_THAT(bench.Gather(), ElementsAre("a 3", "b{x=\"2\"} -4"));
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  __atomic_store_n(&u64, UINT64_MAX, __ATOMIC_RELAXED);
  EXPECT_THAT(bench.Gather(),
              ElementsAre("a 18446744073709551615", "b{x=\"1\"} 2.5", "b{x=\"2\"} -4"));
}

TEST(ValuesTest, RefusesValuesThatAreNotValidOrThere) {
  Bench bench;
  const auto read = [](double*) { return Status(); };
  const auto code = [&](ValueSpec spec) {
    return bench.sources.RegisterValue(std::move(spec)).status().code();
  };
  EXPECT_EQ(code(ValueOf("", {}, read)), Code::kInvalid);
  EXPECT_EQ(code(ValueOf("v", {{"", ""}}, read)), Code::kInvalid);
  EXPECT_EQ(code(ValueOf("v", {}, nullptr)), Code::kInvalid);
  ValueSpec odd = ValueOf("v", {}, nullptr);
  alignas(8) char bytes[16] = {};
  odd.cell = bytes + 1;
  EXPECT_EQ(code(odd), Code::kInvalid);
  ValueSpec histogram = ValueOf("v", {}, read);
  histogram.type = MetricType::kHistogram;
  EXPECT_EQ(code(histogram), Code::kInvalid);
  EXPECT_EQ(code(ValueOf("v", {{"a", "1"}, {"b", "2"}}, read)), Code::kOk);
  EXPECT_EQ(code(ValueOf("v", {{"b", "2"}, {"a", "1"}}, read)), Code::kExists);
  ValueSpec counter = ValueOf("v", {}, read);
  counter.type = MetricType::kCounter;
  EXPECT_EQ(code(counter), Code::kExists);
}

TEST(ValuesTest, HaveOneProcessModeForEachName) {
  Bench bench;
  const auto add = [&](std::string_view name, std::vector<Label> labels, MetricType type,
                       ProcessMode mode) {
    ValueSpec spec = ValueOf(name, std::move(labels), [](double*) { return Status(); });
    spec.type = type;
    spec.process_mode = mode;
    return bench.sources.RegisterValue(std::move(spec)).status();
  };
  EXPECT_TRUE(add("v", {{"a", "1"}}, MetricType::kGauge, ProcessMode::kMax).ok());
  EXPECT_TRUE(add("v", {{"a", "2"}}, MetricType::kGauge, ProcessMode::kMax).ok());
  const Status other = add("v", {{"a", "3"}}, MetricType::kGauge, ProcessMode::kSum);
  EXPECT_EQ(other.code(), Code::kExists);
  EXPECT_EQ(other.text(), "value \"v\" is registered with another process mode");
  EXPECT_TRUE(add("c_total", {}, MetricType::kCounter, ProcessMode::kPerWorker).ok());
  for (const ProcessMode mode : {ProcessMode::kMax, ProcessMode::kMin, ProcessMode::kLatest}) {
    const Status status = add("d_total", {}, MetricType::kCounter, mode);
    EXPECT_EQ(status.code(), Code::kInvalid);
    EXPECT_EQ(status.text(),
              "value \"d_total\": the process modes max, min and latest are for gauges");
  }
}

TEST(ValuesTest, LeavesOutAValueThatFailsOrIsImpossible) {
  Bench bench;
  alignas(8) double cell = -1;
  ASSERT_TRUE(
      bench.sources.RegisterValue(ValueOf("a", {}, [](double*) { return Status(Code::kIo, "x"); }))
          .ok());
  ASSERT_TRUE(
      bench.sources
          .RegisterValue(ValueOf("b", {}, [](double*) -> Status { throw std::runtime_error("x"); }))
          .ok());
  ValueSpec negative = ValueOf("c", {}, [](double* out) {
    *out = -1;
    return Status();
  });
  negative.type = MetricType::kCounter;
  ASSERT_TRUE(bench.sources.RegisterValue(negative).ok());
  ValueSpec negative_cell = ValueOf("d", {}, nullptr);
  negative_cell.cell = &cell;
  negative_cell.type = MetricType::kCounter;
  ASSERT_TRUE(bench.sources.RegisterValue(negative_cell).ok());
  ASSERT_TRUE(bench.sources.RegisterCollector(OneGauge("e")).ok());
  ASSERT_TRUE(bench.sources.StartThreads().ok());
  EXPECT_THAT(bench.Gather(), ElementsAre("e 1"));
  EXPECT_TRUE(
      bench.SelfSays("promplug_collector_failures_total{collector=\"b\",reason=\"exception\"} 1"));
}

}  // namespace
}  // namespace promplug::test
