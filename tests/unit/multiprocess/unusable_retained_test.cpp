// SPDX-License-Identifier: MIT
// What becomes of a set whose file of retained totals cannot be used, and of totals that do not fit
// what is retained.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>

#include "multiprocess/segment_layout.hpp"
#include "unit/multiprocess/process_set_testing.hpp"

namespace promplug {
namespace {

using std::chrono::seconds;
using test::Get;
using test::MakeFamily;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class UnusableRetainedTest : public test::ProcessSetWorld {
 protected:
  void Write(const std::string& name, const std::string& bytes) const {
    const OwnedFd fd(
        ::open((folder_ / name).c_str(), O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600));
    ASSERT_EQ(::write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  // A file as another version of the plugin would write it.
  void WriteRetainedOfAnotherLayout() const {
    std::string bytes = EncodeRetained({7, {}, {}});
    bytes[8] = 9;
    Write("retained", bytes);
  }
  OwnedFd LiveSegmentOfAnotherLayout() const {
    SegmentHeader header{};
    std::memcpy(header.magic, kSegmentMagic, sizeof header.magic);
    header.layout = kSegmentLayout + 1;
    const std::string name = std::string(32, 'b') + ".seg";
    Write(name, std::string(reinterpret_cast<const char*>(&header), sizeof header));
    OwnedFd fd(::open((folder_ / name).c_str(), O_RDWR | O_CLOEXEC));
    EXPECT_TRUE(SetFiles::TryLock(fd.get(), LOCK_EX).value());
    return fd;
  }
  // Totals of a process that is gone.
  void FoldOne(Member& holder, double n) {
    Count(*Join(), "x", n);
    ASSERT_EQ(holder.set->Fold({}, ignore_).value(), 1u);
  }
  static auto Total(double n) { return ElementsAre(Pair("c_total{id=\"x\"}", n)); }
  size_t Said(const std::string& text) const {
    return static_cast<size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& line) { return line.find(text) != std::string::npos; }));
  }
};

TEST_F(UnusableRetainedTest, TheFirstProcessSetsItAside) {
  Write("retained", "junk");
  auto a = Join();
  EXPECT_EQ(Said(folder_.path() + "/retained cannot be used: "), 1u);
  EXPECT_EQ(Said("retained.unusable now"), 1u);
  EXPECT_EQ(FilesWith("retained.unusable"), 1u);
  Count(*a, "x", 1);
  EXPECT_THAT(a->Values(), Total(1));
  FoldOne(*a, 4);
  EXPECT_THAT(a->Values(), Total(5));
  a.reset();
  EXPECT_THAT(Join()->Values(), Total(5));
}

TEST_F(UnusableRetainedTest, WhatLivesIsServedAndTheNextFoldSetsItAside) {
  auto a = Join();
  FoldOne(*a, 100);
  Count(*a, "x", 1);
  auto b = Join();
  Count(*b, "x", 2);
  Write("retained", "junk");
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(a->Values(), Total(3));
    EXPECT_THAT(b->Values(), Total(3));
  }
  EXPECT_EQ(Said("cannot be used"), 2u) << "once for each process";
  b.reset();
  ASSERT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  EXPECT_THAT(a->Values(), Total(3));
  EXPECT_EQ(FilesWith("retained.unusable"), 1u);
  EXPECT_GT(a->set->directory().RetainedGeneration().value(), 1u)
      << "a reader must not take it for one that it knows";
}

TEST_F(UnusableRetainedTest, AProcessThatHasReadItBeforeMendsIt) {
  auto a = Join();
  FoldOne(*a, 100);
  EXPECT_THAT(a->Values(), Total(100));
  std::string bytes = EncodeRetained(*a->set->directory().ReadRetained().value());
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  Write("retained", bytes);
  EXPECT_FALSE(a->set->directory().ReadRetained().ok());
  EXPECT_THAT(a->Values(), Total(100));
  FoldOne(*a, 1);
  EXPECT_THAT(Join()->Values(), Total(101));
  EXPECT_THAT(lines_, ElementsAre());
}

TEST_F(UnusableRetainedTest, FamiliesThatAreNoneMakeItUnusable) {
  Write("retained", EncodeRetained({3, {}, "no families"}));
  auto a = Join();
  EXPECT_EQ(FilesWith("retained.unusable"), 1u);
  EXPECT_THAT(a->Values(), ElementsAre());
}

TEST_F(UnusableRetainedTest, OneOfAnotherLayoutIsLeftToAProcessOfThatLayout) {
  auto a = Join();
  auto other = LiveSegmentOfAnotherLayout();
  WriteRetainedOfAnotherLayout();
  Count(*Join(), "x", 5);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(a->set->Fold({}, ignore_).value(), 0u);
    EXPECT_THAT(a->Values(), Total(5)) << "dead, and not folded";
  }
  EXPECT_EQ(FilesWith("retained.unusable"), 0u);
  other.Reset();
  EXPECT_EQ(a->set->Fold({}, ignore_).value(), 1u);
  EXPECT_THAT(a->Values(), Total(5));
  EXPECT_EQ(FilesWith("retained.unusable"), 1u);
  // The segment stays for who can read it, and costs no fold but the one that forgets the victim.
  EXPECT_EQ(FilesWith(".seg"), 2u);
  EXPECT_EQ(a->set->Fold({}, ignore_).value(), 0u);
  const uint64_t generation = a->set->directory().RetainedGeneration().value();
  EXPECT_EQ(a->set->Fold({}, ignore_).value(), 0u);
  EXPECT_EQ(a->set->directory().RetainedGeneration().value(), generation);
}

TEST_F(UnusableRetainedTest, WhatDoesNotFitIsToldByTheFoldAndTheNewestIsRight) {
  auto a = Join();
  auto old = Join();
  Get(MakeFamily(*old->registry, MetricType::kCounter, "m"), "x")->CounterAdd(2);
  clock_.Advance(seconds(1));
  auto young = Join();
  Get(MakeFamily(*young->registry, MetricType::kHistogram, "m"), "x")->Observe(1);
  old.reset();
  young.reset();
  std::vector<std::string> told;
  const auto refuse = [&](std::string_view reason, std::string_view family, std::string) {
    told.push_back(std::string(reason) + " " + std::string(family));
  };
  ASSERT_EQ(a->set->Fold({}, refuse).value(), 2u);
  EXPECT_THAT(told, ElementsAre("type m"));
  EXPECT_THAT(a->Values(), Contains(Pair("m{id=\"x\"}", 1)));
}

}  // namespace
}  // namespace promplug
