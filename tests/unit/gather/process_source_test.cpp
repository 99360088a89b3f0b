// SPDX-License-Identifier: MIT
#include "gather/process_source.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <ctime>
#include <map>
#include <string>

#include "unit/gather/gather_testing.hpp"

namespace promplug::test {
namespace {

constexpr std::string_view kStat =
    "1025 (sed) R 1020 1020 3176 0 -1 4194304 124 0 0 0 7 5 0 0 20 0 3 0 318725 3932160 496 "
    "18446744073709551615 94568716525568 94568716605721 140730457565200 0 0 0 0 0 0 0 0 0 17 1 0 0 "
    "0 0 0 94568716634544 94568716637444 94569198043136 140730457569914 140730457569942 "
    "140730457569942 140730457571307 0\n";

constexpr std::string_view kLimits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max open files            1024                 524288               files     \n"
    "Max locked memory         8388608              8388608              bytes     \n"
    "Max address space         unlimited            unlimited            bytes     \n";

TEST(ProcessStatTest, ReadsTheFieldsOfACapturedLine) {
  const auto stat = ParseProcessStat(kStat);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->cpu_ticks, 12u);
  EXPECT_EQ(stat->threads, 3u);
  EXPECT_EQ(stat->start_ticks, 318725u);
  EXPECT_EQ(stat->virtual_bytes, 3932160u);
  EXPECT_EQ(stat->resident_pages, 496u);
}

TEST(ProcessStatTest, ReadsPastAProgramNameWithParenthesesAndSpaces) {
  std::string text(kStat);
  text.replace(text.find("sed"), 3, "a) R (b 1 2");
  const auto stat = ParseProcessStat(text);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->resident_pages, 496u);
}

TEST(ProcessStatTest, RefusesATornLine) {
  EXPECT_FALSE(ParseProcessStat("").has_value());
  EXPECT_FALSE(ParseProcessStat("1 (x").has_value());
  EXPECT_FALSE(ParseProcessStat(kStat.substr(0, kStat.find("318725") + 3)).has_value());
  std::string text(kStat);
  text.replace(text.find("3932160"), 7, "many");
  EXPECT_FALSE(ParseProcessStat(text).has_value());
}

TEST(SoftLimitTest, ReadsNumbersAndUnlimited) {
  EXPECT_EQ(ParseSoftLimit(kLimits, "Max open files"), 1024u);
  EXPECT_EQ(ParseSoftLimit(kLimits, "Max address space"), UINT64_MAX);
  EXPECT_EQ(ParseSoftLimit(kLimits, "Max nothing"), std::nullopt);
  EXPECT_EQ(ParseSoftLimit("Max open files", "Max open files"), std::nullopt);
}

TEST(BootTimeTest, FindsTheLine) {
  EXPECT_EQ(ParseBootTime("cpu  1 2 3\nintr 5 6\nbtime 1795379254\nprocesses 9\n"), 1795379254u);
  EXPECT_EQ(ParseBootTime("cpu  1 2 3\n"), std::nullopt);
}

std::map<std::string, double> CollectOnce(ProcessSource& source) {
  const std::atomic<TimePoint::rep> deadline{TimePoint::max().time_since_epoch().count()};
  CollectorWriter writer(1 << 20, Clock::Real(), deadline);
  EXPECT_TRUE(source.Collect(writer).ok());
  EXPECT_EQ(writer.refusals().invalid, 0u);
  const auto output = writer.Finish();
  std::map<std::string, double> values;
  for (size_t i = 0; i < output->n_families(); ++i) {
    Point point;
    output->Read(i)->Next(&point, 1);
    values[std::string(output->Head(i).name)] =
        point.is_integer ? static_cast<double>(point.integer) : point.value;
  }
  return values;
}

TEST(ProcessSourceTest, SaysTheFamiliesOfTheGuidelinesAboutThisProcess) {
  ProcessSource source;
  const auto before = CollectOnce(source);
  const char* const names[] = {"process_cpu_seconds_total",
                               "process_open_fds",
                               "process_max_fds",
                               "process_virtual_memory_bytes",
                               "process_resident_memory_bytes",
                               "process_virtual_memory_max_bytes",
                               "process_start_time_seconds",
                               "process_threads"};
  for (const char* name : names) EXPECT_TRUE(before.contains(name)) << name;
  EXPECT_EQ(before.size(), std::size(names));
  EXPECT_GE(before.at("process_threads"), 1);
  EXPECT_GT(before.at("process_resident_memory_bytes"), 1 << 20);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_NEAR(before.at("process_start_time_seconds"), now, 600);
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto after = CollectOnce(source);
  ::close(fd);
  EXPECT_EQ(after.at("process_open_fds"), before.at("process_open_fds") + 1);
  EXPECT_EQ(after.at("process_start_time_seconds"), before.at("process_start_time_seconds"));
}

}  // namespace
}  // namespace promplug::test
