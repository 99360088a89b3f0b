// SPDX-License-Identifier: MIT
#include "multiprocess/file_growth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "multiprocess/set_directory.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug {
namespace {

using test::OpenSet;
using test::SaidInChild;
using test::SetFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uint64_t kBytes = 64 * 1024;
constexpr uint64_t kMore = uint64_t{1} << 20;

// In a child: there is no space for kMore bytes in `path`. Where nothing may be mounted, because
// the process may not make such files; the signal that says so would end it.
void RunShort(const std::string& path) {
  if (test::MountForItself(path, "tmpfs", "size=512k")) return;
  const rlimit limit{512 * 1024, 512 * 1024};
  (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST(FileGrowth, WhatIsThereStaysAndWhatIsAddedIsZeroAndAllocated) {
  const SetFolder folder;
  const SetDirectory directory = OpenSet(folder.path());
  const auto made = directory.CreateSegment(kBytes);
  ASSERT_TRUE(made.ok());
  const int fd = made.value().fd.get();
  ASSERT_EQ(::pwrite(fd, "text", 4, kBytes - 4), 4);
  ASSERT_TRUE(SetDirectory::Grow(fd, kMore + 1).ok());
  struct stat file;
  ASSERT_EQ(::fstat(fd, &file), 0);
  EXPECT_EQ(static_cast<uint64_t>(file.st_size), kMore + 1);
  EXPECT_GE(static_cast<uint64_t>(file.st_blocks) * 512, kMore + 1);
  const std::string bytes = directory.files().Read(fd, "", kMore + 1).value();
  EXPECT_EQ(bytes.substr(kBytes - 4, 4), "text");
  EXPECT_EQ(bytes.find_first_not_of('\0', kBytes), std::string::npos);

  ASSERT_TRUE(SetDirectory::Grow(fd, kBytes).ok());
  ASSERT_EQ(::fstat(fd, &file), 0);
  EXPECT_EQ(static_cast<uint64_t>(file.st_size), kMore + 1) << "it never gets shorter";
}

TEST(FileGrowth, WithoutSpaceNothingIsLostAndNothingIsLeft) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder]() -> std::string {
    RunShort(folder.path());
    const SetDirectory directory = OpenSet(folder.path());
    const auto made = directory.CreateSegment(kBytes);
    if (!made.ok()) return made.status().text();
    void* base =
        ::mmap(nullptr, kMore, PROT_READ | PROT_WRITE, MAP_SHARED, made.value().fd.get(), 0);
    auto* words = static_cast<uint64_t*>(base);
    words[0] = 7;
    Retained retained;
    retained.generation = 1;
    if (!directory.CommitRetained(retained).ok()) return "no totals";
    if (!directory.WriteCollected(Uuid{}, "before").ok()) return "nothing said";
    const size_t n_files = folder.Names().size();

    if (SetDirectory::Grow(made.value().fd.get(), kMore).ok()) return "grown";
    if (directory.CreateSegment(kMore).ok()) return "made";
    retained.generation = 2;
    retained.families.resize(kMore);
    if (directory.CommitRetained(retained).ok()) return "committed";
    if (directory.WriteCollected(Uuid{}, retained.families).ok()) return "written";

    words[0] += words[kBytes / sizeof(uint64_t) - 1] + 1;
    if (words[0] != 8) return "the segment has changed";
    if (directory.RetainedGeneration().value() != 1) return "the totals have changed";
    if (directory.ReadCollected(Uuid{}, 100).value() != "before")
      return "what was said has changed";
    return folder.Names().size() == n_files ? "" : "files are left";
  });
  EXPECT_EQ(said, "");
}

TEST(FileGrowth, AFullFileSystemOrALimitIsNamed) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder] {
    RunShort(folder.path());
    return OpenSet(folder.path()).CreateSegment(kMore).status().text();
  });
  EXPECT_THAT(said, AllOf(HasSubstr(folder.path()), HasSubstr("1048576 bytes"),
                          ::testing::AnyOf(HasSubstr("ENOSPC"), HasSubstr("ulimit -f"))));
}

TEST(FileGrowth, ALimitOfTheProcessIsAnErrorAndNoSignal) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder]() -> std::string {
    const SetDirectory directory = OpenSet(folder.path());
    const auto made = directory.CreateSegment(kBytes);
    const rlimit limit{kBytes, kBytes};
    if (!made.ok() || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) return "setrlimit";
    const int fd = made.value().fd.get();
    if (!SetDirectory::Grow(fd, kBytes).ok()) return "what is there already is no growth";
    if (directory.WriteCollected(Uuid{}, std::string(kBytes + 1, 'x')).ok()) return "written";
    return SetDirectory::Grow(fd, kBytes + 1).text();
  });
  EXPECT_THAT(said, AllOf(HasSubstr("65537 bytes"), HasSubstr("ulimit -f: 65536 bytes")));
}

// Where nothing may be mounted it grows as everywhere.
TEST(FileGrowth, AFileSystemThatAllocatesNothingInAdvanceIsWrittenTo) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder]() -> std::string {
    (void)test::MountForItself(folder.path(), "ramfs", nullptr);
    const SetDirectory directory = OpenSet(folder.path());
    const auto made = directory.CreateSegment(kBytes + 1);
    if (!made.ok()) return made.status().text();
    const int fd = made.value().fd.get();
    if (::pwrite(fd, "text", 4, 0) != 4) return "not written";
    const Status status = SetDirectory::Grow(fd, kMore);
    if (!status.ok()) return status.text();
    const std::string bytes = directory.files().Read(fd, "", 2 * kMore).value();
    return bytes == "text" + std::string(kMore - 4, '\0') ? "" : "other bytes";
  });
  EXPECT_EQ(said, "");
}

// tmpfs takes back what a call has allocated when a signal comes.
TEST(FileGrowth, SignalsThatComeAllTheTimeOnlySlowItDown) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder]() -> std::string {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 200}, {0, 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    const SetDirectory directory = OpenSet(folder.path());
    const auto made = directory.CreateSegment(16 * kMore);
    return made.status().text();
  });
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace promplug
