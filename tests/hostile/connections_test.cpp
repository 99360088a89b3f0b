// SPDX-License-Identifier: MIT
// Clients that take connections and give nothing for them.
#include <gtest/gtest.h>

#include <cstdio>
#include <vector>

#include "hostile/served.hpp"
#include "support/manual_clock.hpp"

namespace promplug {
namespace {

using namespace std::chrono_literals;
using test::kPlainScrape;
using test::LoopbackClient;
using test::Served;
using test::WireAnswer;

constexpr int kMany = 1000;

// Resident memory of this process in KiB.
long ResidentKib() {
  long total = 0;
  long resident = 0;
  FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr || std::fscanf(file, "%ld %ld", &total, &resident) != 2) resident = 0;
  if (file != nullptr) std::fclose(file);
  return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

class HostileConnections : public ::testing::Test {
 protected:
  void SetUp() override {
    test::AllowDescriptors(2 * kMany + 200);
    ASSERT_TRUE(served_.started.ok());
  }

  Served served_;
};

TEST_F(HostileConnections, AThousandIdleOnesDoNotKeepAScrapeOut) {
  std::vector<LoopbackClient> idle;
  idle.reserve(kMany);
  for (int i = 0; i < kMany; ++i) {
    idle.emplace_back(served_.port());
    if (i % 50 == 0) {
      EXPECT_TRUE(served_.Answers()) << i;
    }
  }
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(served_.Answers());
}

TEST_F(HostileConnections, AThousandDrippingOnesDoNotKeepAScrapeOut) {
  std::vector<LoopbackClient> dripping;
  dripping.reserve(kMany);
  for (int i = 0; i < kMany; ++i) dripping.emplace_back(served_.port());
  for (const char byte : kPlainScrape.substr(0, 20)) {
    // Those that were put out do not come back; sending to them fails.
    for (const LoopbackClient& client : dripping) client.Send({&byte, 1});
    EXPECT_TRUE(served_.Answers());
  }
}

TEST_F(HostileConnections, ThoseThatScrapeOnceAndStayDoNotKeepOthersOut) {
  std::vector<LoopbackClient> staying;
  staying.reserve(200);
  for (int i = 0; i < 200; ++i) {
    staying.emplace_back(served_.port());
    staying.back().Send(kPlainScrape);
    EXPECT_EQ(staying.back().Receive().status, 200) << i;
  }
  EXPECT_TRUE(served_.Answers());
}

TEST_F(HostileConnections, ManyConnectsAndDisconnectsLeaveItServing) {
  for (int i = 0; i < 3000; ++i) {
    LoopbackClient client(served_.port());
    if (i % 3 == 0) client.Send("GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n");
    if (i % 3 == 1) client.Send("GET /met");
    if (i % 300 == 0) {
      EXPECT_TRUE(served_.Answers()) << i;
    }
  }
  EXPECT_TRUE(served_.Answers());
}

TEST_F(HostileConnections, TheirMemoryIsBounded) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer keeps memory of its own";
#endif
  ASSERT_TRUE(served_.Answers());
  const long before = ResidentKib();
  const std::string half = "GET /metrics HTTP/1.1\r\nX: " + std::string(7000, 'x');
  for (int i = 0; i < 5 * kMany; ++i) {
    LoopbackClient client(served_.port());
    client.Send(half);
  }
  EXPECT_TRUE(served_.Answers());
  EXPECT_LT(ResidentKib() - before, 8 * 1024);
}

// Bodies of about 18 MB, which no socket buffer takes.
class HostileReaders : public ::testing::Test {
 protected:
  static constexpr size_t kLines = 200'000;

  // Returns when the listener has gone on with everything a few times.
  void Settle() {
    for (int i = 0; i < 12; ++i) {
      test::ScrapeOnce(served_.port(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    }
  }

  test::ManualClock clock_;
  Served served_{[] { return test::LargeGathering(kLines); }, clock_};
};

TEST_F(HostileReaders, WhoDoesNotReadGivesWayToAScrape) {
  std::vector<LoopbackClient> stalled;
  stalled.reserve(60);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 20; ++i) {
      stalled.emplace_back(served_.port(), 4096);
      ASSERT_TRUE(stalled.back().Send(kPlainScrape));
    }
    Settle();
    clock_.Advance(1s);
    const WireAnswer answer = test::ScrapeOnce(served_.port());
    EXPECT_EQ(answer.status, 200);
    EXPECT_TRUE(answer.whole);
    EXPECT_GT(answer.body.size(), kLines * 50);
  }
}

TEST_F(HostileReaders, WhoDoesNotReadInTimeIsCutOffAndNotGivenAnEnd) {
  LoopbackClient stalled(served_.port(), 4096);
  ASSERT_TRUE(stalled.Send(kPlainScrape));
  Settle();
  clock_.Advance(30s);
  Settle();
  EXPECT_FALSE(stalled.Receive().whole);
}

}  // namespace
}  // namespace promplug
