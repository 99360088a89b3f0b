// SPDX-License-Identifier: MIT
#include "multiprocess/file_growth.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "multiprocess/segment_memory.hpp"
#include "multiprocess/set_directory.hpp"
#include "support/manual_clock.hpp"
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

// In a child: there is no space for more than so many bytes in `path`. Where nothing may be
// mounted, because the process may not make such files; the signal that says so would end it.
void RunShort(const std::string& path, uint64_t bytes = kMore / 2) {
  if (test::MountForItself(path, "tmpfs", ("size=" + std::to_string(bytes)).c_str())) return;
  const rlimit limit{bytes, bytes};
  (void)::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST(FileGrowth, WhatIsThereStaysAndWhatIsAddedIsZeroAndAllocated) {
  const SetFolder folder;
  const SetDirectory directory = OpenSet(folder.path());
  const auto made = directory.CreateSegment(kBytes);
  ASSERT_TRUE(made.ok());
  const int fd = made.value().fd.get();
  ASSERT_EQ(::pwrite(fd, "text", 4, kBytes - 4), 4);
  ASSERT_TRUE(AllocateBytes(fd, kMore + 1).ok());
  struct stat file;
  ASSERT_EQ(::fstat(fd, &file), 0);
  EXPECT_EQ(static_cast<uint64_t>(file.st_size), kMore + 1);
  EXPECT_GE(static_cast<uint64_t>(file.st_blocks) * 512, kMore + 1);
  const std::string bytes = directory.files().Read(fd, "", kMore + 1).value();
  EXPECT_EQ(bytes.substr(kBytes - 4, 4), "text");
  EXPECT_EQ(bytes.find_first_not_of('\0', kBytes), std::string::npos);

  ASSERT_TRUE(AllocateBytes(fd, kBytes).ok());
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

    if (AllocateBytes(made.value().fd.get(), kMore).ok()) return "grown";
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

TEST(FileGrowth, WhereThereIsNoSpaceForMoreTheLeastWillDo) {
  constexpr uint64_t kPage = 4096;
  for (const uint64_t space : {kMore / 2, 3 * kMore}) {
    const SetFolder folder;
    const std::string said = SaidInChild([&]() -> std::string {
      RunShort(folder.path(), space);
      const SetDirectory directory = OpenSet(folder.path());
      const auto made = directory.CreateSegment(kBytes);
      if (!made.ok()) return made.status().text();
      const int fd = made.value().fd.get();
      const Result<uint64_t> some = AllocateUpTo(fd, kBytes + kPage, 2 * space);
      if (!some.ok()) return some.status().text();
      if (some.value() < kBytes + kPage || some.value() > space) return "another size";
      if (AllocateUpTo(fd, kBytes, 2 * space).value() != some.value()) return "it has grown";
      uint64_t bytes = some.value();
      for (Result<uint64_t> next = bytes; next.ok();
           next = AllocateUpTo(fd, bytes + kPage, 2 * space)) {
        bytes = next.value();
      }
      // The file system has the folder itself besides.
      return bytes + 4 * kPage >= space ? "" : "only " + std::to_string(bytes);
    });
    EXPECT_EQ(said, "") << space;
  }
}

TEST(FileGrowth, ASegmentUsesAllThereIs) {
  for (const uint64_t space : {kMore / 2, 3 * kMore}) {
    const SetFolder folder;
    const std::string said = SaidInChild([&]() -> std::string {
      RunShort(folder.path(), space);
      const SetDirectory directory = OpenSet(folder.path());
      const test::ManualClock clock;
      const auto memory = SegmentMemory::Create(directory, 16 * kMore, clock);
      if (!memory.ok()) return memory.status().text();
      while (memory.value()->Allocate(1024, 8) != nullptr) {
      }
      const uint64_t used = memory.value()->used_bytes();
      return used + 8 * 4096 >= space ? "" : "only " + std::to_string(used);
    });
    EXPECT_EQ(said, "") << space;
  }
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
    if (!AllocateBytes(fd, kBytes).ok()) return "what is there already is no growth";
    if (directory.WriteCollected(Uuid{}, std::string(kBytes + 1, 'x')).ok()) return "written";
    return AllocateBytes(fd, kBytes + 1).text();
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
    const Status status = AllocateBytes(fd, kMore);
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
