// SPDX-License-Identifier: MIT
#pragma once

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "so_host.hpp"

namespace so_test {

using std::chrono::steady_clock;

// A directory on a tmpfs that goes with the test.
class SetWorld {
 public:
  SetWorld() {
    char path[] = "/dev/shm/promplug-set-XXXXXX";
    if (mkdtemp(path) == nullptr) abort();
    path_ = path;
  }
  ~SetWorld() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SetWorld(const SetWorld&) = delete;
  SetWorld& operator=(const SetWorld&) = delete;

  const std::string& path() const { return path_; }
  std::vector<promplug_kv> Overrides(std::vector<promplug_kv> more = {}) const {
    more.push_back({S("multiprocess.dir"), S(path_.c_str())});
    more.push_back({S("multiprocess.collect_interval_seconds"), S("0.1")});
    return more;
  }
  size_t Files(const std::string& suffix) const {
    size_t n = 0;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().string().ends_with(suffix)) ++n;
    }
    return n;
  }

 private:
  std::string path_;
};

// Memory that the test shares with the processes that it forks.
template <typename T>
T* SharedMemory() {
  void* memory =
      mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : new (memory) T;
}

// A forked process that runs `body`; killed at the end where it has not ended.
class Process {
 public:
  explicit Process(const std::function<int()>& body) : pid_(fork()) {
    if (pid_ != 0) return;
    // The body never returns into the tests of the parent.
    alarm(300);
    _exit(body());
  }
  ~Process() {
    if (pid_ > 0) Kill();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void Kill() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  void Signal(int signal) const { kill(pid_, signal); }
  // What it exited with; -1: it was killed.
  int Join() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  pid_t pid_;
};

// Polls until it holds, a minute at most.
template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (steady_clock::now() > deadline) return false;
    usleep(1000);
  }
  return true;
}

// The value of the line that begins with `series` and a space, in a text exposition; -1: none.
inline double ValueIn(const std::string& text, const std::string& series) {
  const size_t at = text.find("\n" + series + " ");
  return at == std::string::npos ? -1 : strtod(text.c_str() + at + series.size() + 2, nullptr);
}

}  // namespace so_test
