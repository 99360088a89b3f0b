// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>

#include <fstream>
#include <iterator>
#include <mutex>
#include <vector>

#include "wrapper_host.hpp"

namespace promplug::host {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string FileWith(const std::string& name, const std::string& content) {
  const std::string path = ::testing::TempDir() + name;
  std::ofstream(path, std::ios::binary) << content;
  return path;
}

TEST(WrapperLoadTest, AMissingFileIsNamedAndTheTextSaysWhatToGive) {
  auto loaded = Plugin::Load("/nowhere/promplug.so");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_NOT_FOUND);
  EXPECT_THAT(loaded.error().what(),
              AllOf(HasSubstr("/nowhere/promplug.so"), HasSubstr("no such file")));
}

TEST(WrapperLoadTest, AnEmptyPathIsSaidToBeEmpty) {
  auto loaded = Plugin::Load("");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_INVAL);
  EXPECT_THAT(loaded.error().what(), HasSubstr("empty"));
}

TEST(WrapperLoadTest, AFileThatIsNoSharedObjectIsSaidToBeNone) {
  auto loaded = Plugin::Load(FileWith("not_elf.so", "scrape:\n  path: /metrics\n"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_INVAL);
  EXPECT_THAT(loaded.error().what(), HasSubstr("not a readable shared object"));
}

TEST(WrapperLoadTest, AFileForAnotherMachineNamesBothMachines) {
  std::ifstream file(NO_ENTRY_SO, std::ios::binary);
  std::string elf((std::istreambuf_iterator<char>(file)), {});
  ASSERT_GT(elf.size(), 64u);
  const bool here_is_aarch64 = static_cast<unsigned char>(elf[18]) == 183;
  elf[18] = static_cast<char>(here_is_aarch64 ? 62 : 183);
  auto loaded = Plugin::Load(FileWith("other_machine.so", elf));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_IO);
  EXPECT_THAT(loaded.error().what(),
              AllOf(HasSubstr(here_is_aarch64 ? "built for x86-64" : "built for aarch64"),
                    HasSubstr("install the promplug.so for")));
}

TEST(WrapperLoadTest, ASharedObjectWithoutTheEntryIsSaidNotToBeThePlugin) {
  auto loaded = Plugin::Load(NO_ENTRY_SO);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_INVAL);
  EXPECT_THAT(loaded.error().what(), HasSubstr("not promplug.so"));
}

TEST(WrapperLoadTest, AnotherAbiVersionIsNamedBesideTheHostsOwn) {
  auto loaded = Plugin::Load(OTHER_VERSION_SO);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_VERSION);
  const std::string own =
      std::to_string(PROMPLUG_ABI_MAJOR) + "." + std::to_string(PROMPLUG_ABI_MINOR);
  EXPECT_THAT(loaded.error().what(),
              AllOf(HasSubstr("serves ABI 97.3"), HasSubstr("built for " + own)));
}

TEST(WrapperLoadTest, AnErrorIsThrownOnlyWhenAskedFor) {
  try {
    Plugin::Load("/nowhere/promplug.so").OrThrow();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), PROMPLUG_E_NOT_FOUND);
  }
}

TEST(WrapperLoadTest, ThePluginIsLoadedCreatedStartedAndStopped) {
  auto plugin = Plugin::Load(PROMPLUG_SO, TestOptions()).OrThrow();
  EXPECT_TRUE(plugin.loaded());
  EXPECT_FALSE(plugin.version().empty());
  EXPECT_EQ(plugin.Status().state, PROMPLUG_STATE_CREATED);
  EXPECT_TRUE(plugin.Start());
  EXPECT_EQ(plugin.Status().state, PROMPLUG_STATE_RUNNING);
  EXPECT_TRUE(plugin.Stop(std::chrono::seconds(10)));
  EXPECT_EQ(plugin.Status().state, PROMPLUG_STATE_STOPPED);
}

TEST(WrapperLoadTest, AnOverrideThatIsNotAcceptableIsAnErrorThatNamesIt) {
  auto options = TestOptions();
  options.overrides = {{"scrape.no_such_key", "1"}};
  auto loaded = Plugin::Load(PROMPLUG_SO, options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), PROMPLUG_E_CONFIG);
  EXPECT_THAT(loaded.error().what(), HasSubstr("no_such_key"));
}

TEST(WrapperLoadTest, AReloadThatFailsLeavesTheOldConfiguration) {
  auto options = TestOptions();
  options.overrides = {{"scrape.path", "/own"}};
  auto plugin = RunningPlugin(options);
  auto other = TestOptions();
  other.overrides = {{"scrape.path", "not a path"}};
  auto reloaded = plugin.Reload(other);
  ASSERT_FALSE(reloaded);
  EXPECT_EQ(reloaded.code(), PROMPLUG_E_CONFIG);
  Request request;
  request.path = "/own";
  EXPECT_TRUE(plugin.Handle(request).OrThrow().has_value());
}

TEST(WrapperLoadTest, AReloadTakesTheNewConfiguration) {
  auto plugin = RunningPlugin();
  auto other = TestOptions();
  other.overrides = {{"scrape.path", "/moved"}};
  plugin.Reload(other).OrThrow();
  Request request;
  EXPECT_FALSE(plugin.Handle(request).OrThrow().has_value());
  request.path = "/moved";
  EXPECT_TRUE(plugin.Handle(request).OrThrow().has_value());
}

TEST(WrapperLoadTest, TheLogReachesTheHostAndWhatItThrowsGoesNoFurther) {
  struct Lines {
    std::mutex mutex;
    std::vector<std::string> all;
  } lines;
  auto options = TestOptions();
  options.log = [&](LogLevel, std::string_view text) {
    const std::lock_guard<std::mutex> lock(lines.mutex);
    lines.all.emplace_back(text);
    throw std::runtime_error("the host's log is broken");
  };
  { auto plugin = RunningPlugin(options); }
  const std::lock_guard<std::mutex> lock(lines.mutex);
  EXPECT_THAT(lines.all, ::testing::Contains(HasSubstr("Pushgateway disabled")));
}

TEST(WrapperLoadTest, PushNowIsAnErrorWherePushIsOff) {
  auto plugin = RunningPlugin();
  EXPECT_EQ(plugin.PushNow(std::chrono::seconds(1)).code(), PROMPLUG_E_STATE);
}

TEST(WrapperLoadTest, TheForkHooksOfTheParentLeaveItRunning) {
  auto plugin = RunningPlugin();
  plugin.ForkPrepare().OrThrow();
  plugin.ForkParent().OrThrow();
  EXPECT_EQ(plugin.Status().state, PROMPLUG_STATE_RUNNING);
  EXPECT_FALSE(Exposition(plugin).empty());
}

TEST(WrapperLoadTest, TwoInstancesKnowNothingOfEachOther) {
  auto first = RunningPlugin();
  auto second = RunningPlugin();
  first.Counter("only_first_total", "h").Inc();
  EXPECT_THAT(Exposition(first), HasSubstr("only_first_total 1\n"));
  EXPECT_THAT(Exposition(second), Not(HasSubstr("only_first_total")));
}

}  // namespace
}  // namespace promplug::host
