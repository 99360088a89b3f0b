// SPDX-License-Identifier: MIT
#include "multiprocess/set_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <thread>

#include "unit/multiprocess/set_testing.hpp"

namespace promplug {
namespace {

using test::Child;
using test::OpenSet;
using test::SaidInChild;
using test::SetFolder;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using SegmentFile = SetDirectory::SegmentFile;

class SetDirectoryFiles : public ::testing::Test {
 protected:
  // Of this process; it lives as long as the descriptor.
  SetDirectory::NewSegment Publish() {
    auto made = directory_.CreateSegment(4096);
    EXPECT_TRUE(made.ok()) << made.status().text();
    EXPECT_TRUE(directory_.PublishSegment(made.value().uuid).ok());
    return std::move(made).value();
  }
  std::vector<SegmentFile> List(const std::vector<Uuid>& skip = {}, const Uuid* self = nullptr) {
    auto listed = directory_.List(skip, self);
    EXPECT_TRUE(listed.ok()) << listed.status().text();
    return listed.ok() ? listed.value() : std::vector<SegmentFile>();
  }
  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name) << bytes;
  }

  const SetFolder folder_;
  const SetDirectory directory_ = OpenSet(folder_.path());
};

TEST_F(SetDirectoryFiles, ASegmentIsSeenOnceItHasItsName) {
  const auto made = directory_.CreateSegment(100'000);
  ASSERT_TRUE(made.ok()) << made.status().text();
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_THAT(folder_.Names(), ElementsAre(StartsWith(".new-")));
  struct stat file;
  ASSERT_EQ(::fstat(made.value().fd.get(), &file), 0);
  EXPECT_EQ(file.st_size, 100'000);
  EXPECT_GE(file.st_blocks * 512, 100'000) << "sparse";

  ASSERT_TRUE(directory_.PublishSegment(made.value().uuid).ok());
  EXPECT_THAT(folder_.Names(), ElementsAre(UuidText(made.value().uuid) + ".seg"));
  ASSERT_EQ(List().size(), 1u);
  EXPECT_EQ(List()[0].uuid, made.value().uuid);
  EXPECT_TRUE(List()[0].live);
}

TEST_F(SetDirectoryFiles, FilesAreOfTheUserAloneWhateverTheMaskIs) {
  const mode_t before = ::umask(0777);
  const auto segment = directory_.CreateSegment(4096);
  const auto lock = directory_.LockSet(0);
  ::umask(before);
  ASSERT_TRUE(segment.ok() && lock.ok());
  for (const std::string& name : folder_.Names()) {
    struct stat file;
    ASSERT_EQ(::stat((folder_ / name).c_str(), &file), 0);
    EXPECT_EQ(file.st_mode & 07777, 0600u) << name;
  }
}

TEST_F(SetDirectoryFiles, AProcessLivesUntilItIsKilled) {
  Child child([this] { (void)Publish().fd.Release(); });
  ASSERT_EQ(List().size(), 1u);
  EXPECT_TRUE(List()[0].live);
  EXPECT_FALSE(directory_.ClaimDead(List()[0].uuid).has_value());
  child.Kill();
  ASSERT_EQ(List().size(), 1u);
  EXPECT_FALSE(List()[0].live);
  EXPECT_TRUE(directory_.ClaimDead(List()[0].uuid).has_value());
}

TEST_F(SetDirectoryFiles, AForkChildKeepsItsParentsSegmentAlive) {
  std::optional<SetDirectory::NewSegment> segment = Publish();
  Child child([] {});
  segment.reset();
  EXPECT_TRUE(List().at(0).live);
  child.Kill();
  EXPECT_FALSE(List().at(0).live);
}

TEST_F(SetDirectoryFiles, WhatIsClaimedIsDeadForReadersToo) {
  const Uuid uuid = Publish().uuid;
  const auto claim = directory_.ClaimDead(uuid);
  ASSERT_TRUE(claim.has_value());
  EXPECT_FALSE(List().at(0).live);
}

TEST_F(SetDirectoryFiles, WhatIsGoneIsNeitherClaimedNorOpened) {
  const Uuid uuid = Publish().uuid;
  EXPECT_TRUE(directory_.Exists(uuid));
  directory_.Unlink(uuid);
  EXPECT_FALSE(directory_.Exists(uuid));
  EXPECT_FALSE(directory_.ClaimDead(uuid).has_value());
  EXPECT_EQ(directory_.OpenSegment(uuid).status().code(), Code::kNotFound);
  directory_.Unlink(uuid);
}

TEST_F(SetDirectoryFiles, SomeAreSkippedAndOneIsKnownToLive) {
  const Uuid one = Publish().uuid;
  const Uuid two = Publish().uuid;
  EXPECT_EQ(List().size(), 2u);
  ASSERT_EQ(List({two}).size(), 1u);
  EXPECT_EQ(List({two})[0].uuid, one);
  EXPECT_FALSE(List({two})[0].live);
  EXPECT_TRUE(List({two}, &one)[0].live);
  EXPECT_THAT(List({one, two}), IsEmpty());
}

TEST_F(SetDirectoryFiles, OnlyRegularFilesWithSuchNamesAreSegments) {
  Uuid uuid{};
  Write("x.seg", "");
  Write(std::string(32, 'A') + ".seg", "");
  Write(UuidText(uuid), "");
  const std::string directory = folder_ / (UuidText(uuid) + ".seg");
  ASSERT_EQ(::mkdir(directory.c_str(), 0700), 0);
  uuid[0] = 1;
  const std::string fifo = folder_ / (UuidText(uuid) + ".seg");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  uuid[0] = 2;
  const std::string link = folder_ / (UuidText(uuid) + ".seg");
  ASSERT_EQ(::symlink("/etc/passwd", link.c_str()), 0);
  EXPECT_THAT(List(), IsEmpty());
  EXPECT_EQ(directory_.OpenSegment(uuid).status().code(), Code::kInvalid);
  EXPECT_FALSE(directory_.ClaimDead(uuid).has_value());
}

// Only root can give a file away, so only root can see this.
TEST_F(SetDirectoryFiles, FilesOfOthersAreNotTaken) {
  const Uuid uuid = Publish().uuid;
  ASSERT_TRUE(directory_.LockSet(0).ok());
  if (::geteuid() == 0) {
    const uid_t other = test::kNobody - 1;
    ASSERT_EQ(::chown((folder_ / (UuidText(uuid) + ".seg")).c_str(), other, other), 0);
    ASSERT_EQ(::chown((folder_ / "set.lock").c_str(), other, other), 0);
  }
  EXPECT_EQ(List().size(), ::geteuid() == 0 ? 0u : 1u);
  const Status status = directory_.LockSet(0).status();
  if (::geteuid() == 0) {
    EXPECT_EQ(status.code(), Code::kInvalid);
    EXPECT_THAT(status.text(), AllOf(HasSubstr("set.lock"), HasSubstr("belongs to user 65533"),
                                     HasSubstr("must run as one user")));
  }
}

TEST_F(SetDirectoryFiles, WithoutDescriptorsNothingIsSaid) {
  (void)Publish();
  const std::string said = SaidInChild([this]() -> std::string {
    const rlimit none{0, 0};
    if (::setrlimit(RLIMIT_NOFILE, &none) != 0) return "setrlimit";
    if (directory_.List({}, nullptr).ok()) return "a view that lacks a process";
    return directory_.LockSet(0).status().text();
  });
  EXPECT_THAT(said, HasSubstr("EMFILE"));
}

TEST_F(SetDirectoryFiles, ASegmentThatCannotBeOpenedIsNotLeftOutInSilence) {
  ASSERT_EQ(::chmod(folder_.path().c_str(), 0777), 0);
  const std::string said = SaidInChild([this]() -> std::string {
    test::BecomeNobody();
    const std::string name = UuidText(Publish().uuid) + ".seg";
    if (::chmod((folder_ / name).c_str(), 0) != 0) return "chmod";
    return directory_.List({}, nullptr).status().text();
  });
  EXPECT_THAT(said, AllOf(HasSubstr(".seg"), HasSubstr("EACCES")));
}

TEST_F(SetDirectoryFiles, RemnantsGoWhenTheirMakersAreGone) {
  Child child([this] { (void)directory_.CreateSegment(4096).value().fd.Release(); });
  const auto mine = directory_.CreateSegment(4096);
  const auto live = Publish();
  ASSERT_TRUE(directory_.WriteCollected(live.uuid, "kept").ok());
  ASSERT_TRUE(directory_.WriteCollected(Uuid{}, "of nobody").ok());
  Write("something.col", "left alone");
  const auto lock = directory_.LockSet(0);

  directory_.RemoveRemnants();
  EXPECT_FALSE(directory_.Exists(Uuid{}));
  EXPECT_EQ(folder_.Names().size(), 6u);
  child.Kill();
  directory_.RemoveRemnants();
  const std::string name = UuidText(live.uuid);
  EXPECT_THAT(folder_.Names(),
              ::testing::UnorderedElementsAre(SetFiles::NewName(mine.value().uuid), name + ".col",
                                              name + ".seg", "set.lock", "something.col"));
}

// The moment between making a file and its flock cannot be hit at will.
TEST_F(SetDirectoryFiles, NobodyWhoMakesAFileIsTakenForARemnant) {
  std::atomic<bool> done{false};
  std::vector<std::thread> removers;
  for (int i = 0; i < 3; ++i) {
    removers.emplace_back([&] {
      while (!done) directory_.RemoveRemnants();
    });
  }
  for (int i = 0; i < 500; ++i) {
    auto made = directory_.CreateSegment(4096);
    EXPECT_TRUE(made.ok()) << made.status().text();
    if (!made.ok()) break;
    EXPECT_TRUE(directory_.PublishSegment(made.value().uuid).ok());
    EXPECT_TRUE(directory_.WriteCollected(made.value().uuid, "x").ok());
    directory_.Unlink(made.value().uuid);
  }
  done = true;
  for (std::thread& remover : removers) remover.join();
}

TEST_F(SetDirectoryFiles, TheTotalsAreReplacedAsAWhole) {
  EXPECT_FALSE(directory_.ReadRetained().value().has_value());
  EXPECT_EQ(directory_.RetainedGeneration().value(), 0u);
  Retained retained;
  retained.generation = 7;
  retained.folded = {Uuid{1}, Uuid{2}};
  retained.families = std::string(100'000, 'f');
  ASSERT_TRUE(directory_.CommitRetained(retained).ok());
  EXPECT_EQ(directory_.RetainedGeneration().value(), 7u);
  const auto read = directory_.ReadRetained();
  ASSERT_TRUE(read.ok()) << read.status().text();
  EXPECT_EQ(read.value()->folded, retained.folded);
  EXPECT_EQ(read.value()->families, retained.families);

  retained.generation = 8;
  retained.families = "less";
  ASSERT_TRUE(directory_.CommitRetained(retained).ok());
  EXPECT_EQ(directory_.ReadRetained().value()->families, "less");
  EXPECT_THAT(folder_.Names(), ElementsAre("retained"));
  ASSERT_TRUE(directory_.RemoveRetained().ok());
  EXPECT_FALSE(directory_.ReadRetained().value().has_value());
  EXPECT_TRUE(directory_.RemoveRetained().ok());
}

TEST_F(SetDirectoryFiles, DamagedTotalsAreToldFromNone) {
  Write("retained", "");
  EXPECT_EQ(directory_.ReadRetained().status().code(), Code::kInvalid);
  EXPECT_EQ(directory_.RetainedGeneration().status().code(), Code::kInvalid);
}

TEST_F(SetDirectoryFiles, WhatCollectorsSaidIsReplacedAsAWhole) {
  EXPECT_EQ(directory_.ReadCollected(Uuid{}, 10).status().code(), Code::kNotFound);
  ASSERT_TRUE(directory_.WriteCollected(Uuid{}, "0123456789").ok());
  EXPECT_EQ(directory_.ReadCollected(Uuid{}, 10).value(), "0123456789");
  EXPECT_EQ(directory_.ReadCollected(Uuid{}, 9).status().code(), Code::kLimit);
  ASSERT_TRUE(directory_.WriteCollected(Uuid{}, "").ok());
  EXPECT_EQ(directory_.ReadCollected(Uuid{}, 0).value(), "");
  EXPECT_EQ(folder_.Names().size(), 1u);
}

}  // namespace
}  // namespace promplug
