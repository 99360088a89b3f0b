// SPDX-License-Identifier: MIT
// A host that has run out of descriptors.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <vector>

#include "hostile/served.hpp"

namespace promplug {
namespace {

using namespace std::chrono_literals;
using test::LoopbackClient;
using test::Served;
using test::WireAnswer;

// A process with a listener and no descriptor left. It answers every byte it is sent with one, when
// it has done what the byte says: 'h' holds its gatherer, 'w' waits for a scrape, 'f' finishes what
// was held. It ends with the processor time it used, in hundredths of a second, as its exit status.
class StarvedServer {
 public:
  StarvedServer() {
    int down[2];
    int up[2];
    EXPECT_EQ(pipe(down), 0);
    EXPECT_EQ(pipe(up), 0);
    pid_ = fork();
    if (pid_ == 0) {
      close(down[1]);
      close(up[0]);
      Serve(down[0], up[1]);
    }
    close(down[0]);
    close(up[1]);
    commands_ = down[1];
    answers_ = up[0];
    EXPECT_EQ(read(answers_, &port_, sizeof port_), static_cast<ssize_t>(sizeof port_));
  }
  ~StarvedServer() {
    End();
    close(answers_);
  }

  int port() const { return port_; }
  void Do(char command) {
    EXPECT_EQ(write(commands_, &command, 1), 1);
    EXPECT_EQ(read(answers_, &command, 1), 1);
  }
  // The processor time that it used, in hundredths of a second; -1: it did not end well.
  int End() {
    if (pid_ <= 0) return -1;
    close(commands_);
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  [[noreturn]] static void Serve(int commands, int answers) {
    {
      const rlimit limit{64, 64};
      setrlimit(RLIMIT_NOFILE, &limit);
      Served served;
      while (dup(commands) >= 0) continue;
      const int port = served.port();
      (void)!write(answers, &port, sizeof port);
      for (char command; read(commands, &command, 1) == 1;) {
        if (command == 'h') served.gatherer.Hold();
        if (command == 'w') served.gatherer.WaitForRuns(1);
        if (command == 'f') served.gatherer.Finish();
        (void)!write(answers, &command, 1);
      }
      served.gatherer.Finish();
    }
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const long hundredths = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 100 +
                            (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 10'000;
    _exit(static_cast<int>(std::min(hundredths, 250L)));
  }

  pid_t pid_ = -1;
  int port_ = 0;
  int commands_ = -1;
  int answers_ = -1;
};

TEST(HostileDescriptors, AScrapeIsAnsweredWhereNoneIsLeft) {
  StarvedServer server;
  std::vector<LoopbackClient> idle;
  idle.reserve(10);
  for (int i = 0; i < 10; ++i) idle.emplace_back(server.port());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(test::ScrapeOnce(server.port()).body, test::kSmallText);
  EXPECT_GE(server.End(), 0);
}

TEST(HostileDescriptors, WhoCannotBeAcceptedWaitsWithoutBurningTheProcessor) {
  StarvedServer server;
  server.Do('h');
  LoopbackClient first(server.port());
  ASSERT_TRUE(first.Send(test::kPlainScrape));
  server.Do('w');
  LoopbackClient second(server.port());
  ASSERT_TRUE(second.Send(test::kPlainScrape));
  // Nothing can come, so that this takes its whole time, in which a spinning loop would show.
  pollfd waiting{second.fd(), POLLIN, 0};
  EXPECT_EQ(poll(&waiting, 1, 1500), 0);
  server.Do('f');
  EXPECT_EQ(first.Receive().body, test::kSmallText);
  EXPECT_EQ(second.Receive().body, test::kSmallText);
  const int hundredths = server.End();
  EXPECT_GE(hundredths, 0);
  EXPECT_LT(hundredths, 75);
}

}  // namespace
}  // namespace promplug
