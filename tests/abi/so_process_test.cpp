// SPDX-License-Identifier: MIT
// What the plugin does to the process that it lives in: fork, signals, threads, descriptors.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <clocale>
#include <filesystem>
#include <fstream>
#include <thread>

#include "so_host.hpp"

namespace so_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

size_t Entries(const char* directory) {
  size_t n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(directory)) ++n;
  return n;
}

std::vector<std::string> PluginThreads() {
  std::vector<std::string> names;
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    if (name.starts_with("pp-")) names.push_back(name);
  }
  return names;
}

// The thread sanitizer does not support threads in a child of a process that has some.
#if defined(__SANITIZE_THREAD__)
#define PROMPLUG_NO_FORK 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PROMPLUG_NO_FORK 1
#endif
#endif

#ifndef PROMPLUG_NO_FORK
// Runs body in a forked child and gives its result; 99: it was killed or did not end in time.
template <typename Body>
int InChild(const Body& body) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(20);
    _exit(body());
  }
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}
#endif

[[maybe_unused]] bool ScrapesOverLoopback(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string request = "GET /metrics HTTP/1.0\r\n\r\n";
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      send(fd, request.data(), request.size(), MSG_NOSIGNAL) > 0) {
    char buffer[4096];
    ssize_t n;
    while ((n = recv(fd, buffer, sizeof buffer, 0)) > 0)
      answer.append(buffer, static_cast<size_t>(n));
  }
  close(fd);
  return answer.find("c_total 1\n") != std::string::npos;
}

std::vector<promplug_kv> Everything() {
  return {{S("scrape.listen"), S("127.0.0.1:0")},
          {S("pushgateway.url"), S("http://127.0.0.1:1")},
          {S("pushgateway.instance"), S("i")},
          {S("pushgateway.timeout_seconds"), S("1")},
          {S("pushgateway.on_stop"), S("none")}};
}

TEST(ProcessTest, ThreadsAreFewNamedAndBlockAsynchronousSignals) {
  Host host(Everything());
  host.Start();
  host.Get();
  // A thread names itself.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  std::vector<std::string> threads = PluginThreads();
  while (threads.size() < 3 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
    threads = PluginThreads();
  }
  EXPECT_GE(threads.size(), 3u);
  EXPECT_LE(threads.size(), 4u);
  for (const auto& task : fs::directory_iterator("/proc/self/task")) {
    std::string name;
    std::ifstream(task.path() / "comm") >> name;
    if (!name.starts_with("pp-")) continue;
    std::ifstream status(task.path() / "status");
    std::string line;
    while (std::getline(status, line)) {
      if (!line.starts_with("SigBlk:")) continue;
      const uint64_t blocked = std::stoull(line.substr(7), nullptr, 16);
      for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGCHLD, SIGALRM}) {
        EXPECT_NE(blocked & (uint64_t{1} << (signal - 1)), 0u) << name << " " << signal;
      }
      EXPECT_EQ(blocked & (uint64_t{1} << (SIGSEGV - 1)), 0u) << name;
    }
  }
}

TEST(ProcessTest, StartAndStopLeaveNothingBehindAndChangeNothing) {
  const auto round = [] {
    Host host(Everything());
    host.Start();
    EXPECT_THAT(host.Get(), HasSubstr("200"));
  };
  round();
  struct sigaction before[32];
  for (int i = 1; i < 32; ++i) sigaction(i, nullptr, &before[i]);
  sigset_t mask_before;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_before);
  const std::string locale = setlocale(LC_ALL, nullptr);
  const fs::path directory = fs::current_path();
  const size_t descriptors = Entries("/proc/self/fd");
  const size_t tasks = Entries("/proc/self/task");
  for (int i = 0; i < 10; ++i) round();
  EXPECT_EQ(Entries("/proc/self/fd"), descriptors);
  EXPECT_EQ(Entries("/proc/self/task"), tasks);
  for (int i = 1; i < 32; ++i) {
    struct sigaction after;
    sigaction(i, nullptr, &after);
    EXPECT_EQ(after.sa_handler, before[i].sa_handler) << i;
  }
  sigset_t mask_after;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_after);
  for (int i = 1; i < 32; ++i) {
    EXPECT_EQ(sigismember(&mask_after, i), sigismember(&mask_before, i)) << i;
  }
  EXPECT_EQ(setlocale(LC_ALL, nullptr), locale);
  EXPECT_EQ(fs::current_path(), directory);
}

#ifndef PROMPLUG_NO_FORK
TEST(ProcessTest, LibcurlIsLoadedOnlyForAPush) {
  const int result = InChild([] {
    const auto loaded = [] {
      std::ifstream maps("/proc/self/maps");
      const std::string text((std::istreambuf_iterator<char>(maps)), {});
      return text.find("libcurl") != std::string::npos;
    };
    // Other tests of this executable may have loaded it already.
    if (loaded()) return 3;
    Host scrape_only;
    scrape_only.Start();
    scrape_only.Get();
    if (loaded()) return 1;
    Host pushing(Everything());
    pushing.Start();
    return loaded() ? 0 : 2;
  });
  EXPECT_THAT(result, ::testing::AnyOf(0, 3));
}

TEST(ForkTest, AChildThatSaysNothingIsInertAndNothingHangs) {
  Host host(Everything());
  promplug_family* family = host.Family(PROMPLUG_COUNTER, "c_total");
  promplug_metric* metric = host.Metric(family);
  host.Start();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(
        InChild([&]() -> int {
          Api()->counter_inc(metric);
          if (host.Get() != std::to_string(PROMPLUG_E_FORKED)) return 1;
          if (host.Status().state != PROMPLUG_STATE_FORKED) return 2;
          promplug_metric* other = nullptr;
          if (Api()->metric(family, nullptr, 0, &other, nullptr) != PROMPLUG_E_FORKED) {
            return 3;
          }
          if (other == nullptr) return 4;
          Api()->counter_inc(other);
          if (Api()->stop(host.p, 0, nullptr) != PROMPLUG_E_FORKED) return 5;
          if (Api()->update(family, nullptr, 0, PROMPLUG_OP_ADD, 1, nullptr) != PROMPLUG_E_FORKED) {
            return 6;
          }
          return 0;
        }),
        0);
  }
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total 0\n"));
}

int ListeningSockets() {
  int n = 0;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    int listening = 0;
    socklen_t size = sizeof listening;
    const int fd = std::stoi(entry.path().filename());
    n += getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0;
  }
  return n;
}

TEST(ForkTest, AChildThatCallsNothingDoesNotKeepThePort) {
  Host host({{S("scrape.listen"), S("127.0.0.1:0")}});
  promplug_metric* metric = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
  Api()->counter_inc(metric);
  host.Start();
  EXPECT_GE(ListeningSockets(), 1);
  EXPECT_EQ(InChild([] { return ListeningSockets(); }), 0);
  EXPECT_TRUE(ScrapesOverLoopback(host.Status().listen_port));
}

TEST(ForkTest, AChildThatRestartsCountsFromZeroAndServesItself) {
  Host host({{S("scrape.listen"), S("127.0.0.1:0")}});
  promplug_metric* metric = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
  Api()->counter_add(metric, 5);
  host.Start();
  const int port = host.Status().listen_port;
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  const int result = InChild([&]() -> int {
    promplug_error err = {};
    if (Api()->fork_child(host.p, PROMPLUG_CHILD_RESTART, &err) != PROMPLUG_OK) return 1;
    Api()->counter_inc(metric);
    if (host.Get().find("\nc_total 1\n") == std::string::npos) return 2;
    if (host.Status().state != PROMPLUG_STATE_RUNNING) return 3;
    const int own_port = host.Status().listen_port;
    if (own_port == port || own_port == 0) return 4;
    if (!ScrapesOverLoopback(own_port)) return 7;
    if (Api()->stop(host.p, 5000, &err) != PROMPLUG_OK) return 5;
    if (Api()->destroy(host.p) != PROMPLUG_OK) return 6;
    return 0;
  });
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  EXPECT_EQ(result, 0);
  EXPECT_THAT(host.Get(), HasSubstr("\nc_total 5\n"));
  EXPECT_EQ(host.Status().listen_port, port);
}

TEST(ForkTest, AnInertChildGoesOnUpdatingAndNothingElse) {
  Host host(Everything());
  promplug_metric* metric = host.Metric(host.Family(PROMPLUG_COUNTER, "c_total"));
  host.Start();
  ASSERT_EQ(Api()->fork_prepare(host.p), PROMPLUG_OK);
  const int result = InChild([&]() -> int {
    if (Api()->fork_child(host.p, PROMPLUG_CHILD_INERT, nullptr) != PROMPLUG_OK) return 1;
    Api()->counter_inc(metric);
    if (host.Status().state != PROMPLUG_STATE_FORKED) return 2;
    return host.Get() == std::to_string(PROMPLUG_E_FORKED) ? 0 : 3;
  });
  ASSERT_EQ(Api()->fork_parent(host.p), PROMPLUG_OK);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(Api()->fork_child(host.p, PROMPLUG_CHILD_INERT, nullptr), PROMPLUG_E_STATE);
  EXPECT_THAT(host.Get(), HasSubstr("200"));
}
#endif

}  // namespace
}  // namespace so_test
