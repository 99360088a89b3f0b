// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <fstream>

#include "multiprocess/set_directory.hpp"
#include "unit/multiprocess/set_testing.hpp"

namespace promplug {
namespace {

using test::SaidInChild;
using test::SetFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(SetDirectoryOpen, ATmpfsIsTakenAsItIs) {
  const SetFolder folder;
  const auto opened = SetDirectory::Open(folder.path(), false);
  ASSERT_TRUE(opened.ok()) << opened.status().text();
  EXPECT_EQ(opened.value().path(), folder.path());
  EXPECT_TRUE(folder.Names().empty());
}

TEST(SetDirectoryOpen, AMissingDirectoryIsNamedAndNotMade) {
  const SetFolder folder;
  const Status status = SetDirectory::Open(folder / "set", false).status();
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(status.text(), AllOf(HasSubstr(folder / "set"), HasSubstr("is not there; make it"),
                                   HasSubstr("0700")));
  EXPECT_TRUE(folder.Names().empty());
}

TEST(SetDirectoryOpen, AFileIsNoDirectory) {
  const SetFolder folder;
  std::ofstream(folder / "file") << "x";
  const Status status = SetDirectory::Open(folder / "file", false).status();
  EXPECT_EQ(status.code(), Code::kIo);
  EXPECT_THAT(status.text(), AllOf(HasSubstr(folder / "file"), HasSubstr("is no directory")));
}

TEST(SetDirectoryOpen, ALinkToADirectoryIsFollowed) {
  const SetFolder folder;
  const SetFolder links;
  ASSERT_EQ(::symlink(folder.path().c_str(), (links / "set").c_str()), 0);
  EXPECT_TRUE(SetDirectory::Open(links / "set", false).ok());
}

TEST(SetDirectoryOpen, WhoMayNotWriteIsTold) {
  const SetFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  const std::string said = SaidInChild([&folder] {
    test::BecomeNobody();
    return SetDirectory::Open(folder.path(), false).status().text();
  });
  const uid_t user = ::geteuid() == 0 ? test::kNobody : ::geteuid();
  EXPECT_THAT(said, AllOf(HasSubstr(folder.path()), HasSubstr("may not be written by user"),
                          HasSubstr(std::to_string(user)), HasSubstr("EACCES")));
}

TEST(SetDirectoryOpen, WhoMayNotReadIsTold) {
  const SetFolder folder;
  ASSERT_EQ(::chmod(folder.path().c_str(), 0), 0);
  const std::string said = SaidInChild([&folder] {
    test::BecomeNobody();
    return SetDirectory::Open(folder.path(), false).status().text();
  });
  EXPECT_THAT(said, AllOf(HasSubstr(folder.path()), HasSubstr("EACCES")));
}

// Where nothing may be mounted, a directory of the kernel that nobody can write to.
TEST(SetDirectoryOpen, AReadOnlyFileSystemIsTold) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder] {
    std::string path = folder.path();
    if (!test::MountForItself(path, "tmpfs", "ro")) path = "/proc/self";
    test::BecomeNobody();
    return SetDirectory::Open(path, false).status().text();
  });
  EXPECT_THAT(said, HasSubstr("may not be written by user"));
}

// The directory of the test's run stands on whatever the build does.
TEST(SetDirectoryOpen, ADiskIsTakenOnlyIfThatIsAllowed) {
  const SetFolder folder(std::filesystem::current_path());
  struct statfs system;
  ASSERT_EQ(::statfs(folder.path().c_str(), &system), 0);
  const auto opened = SetDirectory::Open(folder.path(), false);
  EXPECT_EQ(opened.ok(), system.f_type == TMPFS_MAGIC || system.f_type == RAMFS_MAGIC);
  if (!opened.ok()) {
    EXPECT_EQ(opened.status().code(), Code::kIo);
    EXPECT_THAT(opened.status().text(),
                AllOf(HasSubstr(folder.path()), HasSubstr("/dev/shm"), HasSubstr("/run"),
                      HasSubstr("multiprocess.allow_disk: true")));
  }
  const auto allowed = SetDirectory::Open(folder.path(), true);
  ASSERT_TRUE(allowed.ok()) << allowed.status().text();
  EXPECT_TRUE(allowed.value().CreateSegment(4096).ok());
}

TEST(SetDirectoryOpen, TheKindOfAnotherFileSystemIsNamed) {
  const Status status = SetDirectory::Open("/proc", false).status();
  EXPECT_FALSE(status.ok());
  if (::geteuid() == 0) {
    EXPECT_THAT(status.text(), HasSubstr("a file system of type 0x9fa0"));
  }
}

TEST(SetDirectoryOpen, WhatTheHostDoesToItsWorkingDirectoryDoesNotMatter) {
  const SetFolder folder;
  const std::string said = SaidInChild([&folder]() -> std::string {
    const std::filesystem::path path(folder.path());
    if (::chdir(path.parent_path().c_str()) != 0) return "chdir";
    const auto opened = SetDirectory::Open(path.filename(), false);
    if (!opened.ok()) return opened.status().text();
    if (::chdir("/") != 0) return "chdir";
    if (::geteuid() == 0 && ::chroot("/proc") != 0) return "chroot";
    const auto made = opened.value().CreateSegment(4096);
    if (!made.ok()) return made.status().text();
    return opened.value().PublishSegment(made.value().uuid).text();
  });
  EXPECT_EQ(said, "");
  ASSERT_EQ(folder.Names().size(), 1u);
  EXPECT_THAT(folder.Names()[0], ::testing::EndsWith(".seg"));
}

TEST(SetDirectoryOpen, NothingIsLeftOpenAfterExec) {
  const SetFolder folder;
  const SetDirectory directory = test::OpenSet(folder.path());
  const auto segment = directory.CreateSegment(4096);
  const auto lock = directory.LockSet(0);
  const auto opened = directory.files().OpenOrCreate("lease");
  ASSERT_TRUE(segment.ok() && lock.ok() && opened.ok());
  int n = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const std::string target = std::filesystem::read_symlink(entry.path(), gone);
    if (!target.starts_with(folder.path())) continue;
    ++n;
    EXPECT_TRUE(::fcntl(std::stoi(entry.path().filename()), F_GETFD) & FD_CLOEXEC) << target;
  }
  EXPECT_EQ(n, 4);
}

// A server that is started by root makes files before its workers change their user.
TEST(SetDirectoryOpen, WhatRootMakesBelongsToWhoTheDirectoryBelongsTo) {
  const SetFolder folder;
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(folder.path().c_str(), test::kNobody, test::kNobody), 0);
  }
  const SetDirectory directory = test::OpenSet(folder.path());
  Uuid uuid;
  {
    const auto made = directory.CreateSegment(4096);
    ASSERT_TRUE(made.ok());
    uuid = made.value().uuid;
    ASSERT_TRUE(directory.PublishSegment(uuid).ok());
    ASSERT_TRUE(directory.LockSet(0).ok());
    ASSERT_TRUE(directory.CommitRetained(Retained()).ok());
  }
  const std::string said = SaidInChild([&]() -> std::string {
    test::BecomeNobody();
    const auto lock = directory.LockSet(0);
    if (!lock.ok()) return lock.status().text();
    if (!directory.ClaimDead(uuid).has_value()) return "not to be claimed";
    const auto retained = directory.ReadRetained();
    if (!retained.ok()) return retained.status().text();
    return directory.WriteCollected(uuid, "said").text();
  });
  EXPECT_EQ(said, "");
}

}  // namespace
}  // namespace promplug
